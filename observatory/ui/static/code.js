// Formatting of SQL statements and URLs.

import { el } from "./dom.js";
import { visible, whole } from "./text.js";

const CLAUSE =
  /\s+(?=(?:FROM|WHERE|(?:LEFT |INNER |CROSS )?JOIN|GROUP BY|ORDER BY|HAVING|LIMIT|UNION|VALUES|SET|ON CONFLICT|RETURNING)\b)/g;
const WORDS =
  /('(?:[^']|'')*')|\b(SELECT|FROM|WHERE|AND|OR|NOT|IN|AS|ON|JOIN|LEFT|INNER|CROSS|GROUP|ORDER|BY|HAVING|LIMIT|UNION|ALL|INSERT|INTO|VALUES|UPDATE|SET|DELETE|CREATE|WITH|CASE|WHEN|THEN|ELSE|END|IS|NULL|DESC|ASC|DISTINCT|CONFLICT|DO|RETURNING|BEGIN|COMMIT|PRAGMA|MATCH)\b/gi;
const LONG = 4000;

/** A SQL statement with one clause per line and highlighted keywords. */
export function statement(text) {
  if (text.length > LONG) return whole(text, "pre.code");
  const inLines = text.includes("\n") ? text : text.replace(CLAUSE, "\n");
  const pre = el("pre.code.sql");
  let done = 0;
  for (const { 0: word, 1: quoted, index } of inLines.matchAll(WORDS)) {
    pre.append(
      visible(inLines.slice(done, index)),
      el(quoted ? "span.quoted" : "b", {}, visible(word)),
    );
    done = index + word.length;
  }
  pre.append(visible(inLines.slice(done)));
  return pre;
}

/** A URL with one query parameter per line. Not a link: the URL is untrusted. */
export function address(text) {
  const url = URL.canParse(text) && text.length <= LONG ? new URL(text) : null;
  if (!url) return whole(text, "pre.code");
  const parameters = [...url.searchParams].map(([key, value], place) =>
    el(
      "span.line",
      {},
      el("span.quiet", {}, `${place ? "&" : "?"}${visible(key)}=`),
      visible(value),
    ),
  );
  return el(
    "pre.code",
    {},
    el("span.quiet", {}, visible(`${url.protocol}//${url.host}`)),
    el("b", {}, visible(url.pathname)),
    ...parameters,
  );
}
