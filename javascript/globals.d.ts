// From a script of its own, which docs.html loads first.
declare const SwaggerUIBundle: (options: object) => unknown;
