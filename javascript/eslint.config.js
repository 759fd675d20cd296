import js from "@eslint/js";
import globals from "globals";

// Untrusted data must be inserted as text, never as HTML.
const unsafe = ["innerHTML", "outerHTML", "insertAdjacentHTML", "write"].map((property) => ({
  property,
  message: "insert text nodes instead (dom.js)",
}));

export default [
  { ignores: ["**/uPlot.esm.js", "**/swagger-ui/**"] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    languageOptions: { globals: { ...globals.browser, SwaggerUIBundle: "readonly" } },
    rules: {
      eqeqeq: "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-restricted-properties": ["error", ...unsafe],
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-var": "error",
      "prefer-const": "error",
    },
  },
];
