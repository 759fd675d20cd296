import js from "@eslint/js";
import globals from "globals";

// What the pages' scripts must not do: telemetry and documents are shown as text only.
const unsafe = ["innerHTML", "outerHTML", "insertAdjacentHTML", "write"].map((property) => ({
  property,
  message: "what is shown goes into text nodes (dom.js)",
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
