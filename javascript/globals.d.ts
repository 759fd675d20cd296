// Global of the Swagger UI script that docs.html loads first.
declare const SwaggerUIBundle: (options: object) => unknown;
