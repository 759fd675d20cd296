// Formatting of numbers and times. Times are strings of nanoseconds since 1970, durations are numbers
// of nanoseconds.

/** @type {[string, number][]} */
const UNITS = [
  ["ns", 1],
  ["µs", 1e3],
  ["ms", 1e6],
  ["s", 1e9],
];
/** @type {[number, string][]} */
const SPANS = [
  [86400, "d"],
  [3600, "h"],
  [60, "min"],
];
const plain = new Intl.NumberFormat("en");
const two = (number) => String(Math.floor(number)).padStart(2, "0");

/** Three significant digits: "850 ns", "1.23 ms", "12.3 s", "2 min 05 s". */
export function duration(nanoseconds) {
  if (!Number.isFinite(nanoseconds)) return "–";
  if (nanoseconds === 0) return "0 ms";
  if (nanoseconds < 0) return `−${duration(-nanoseconds)}`;
  if (nanoseconds >= 60e9) return minutes(Math.round(nanoseconds / 1e9));
  let place = UNITS.findLastIndex(([, size]) => nanoseconds >= size);
  if (place < 0) place = 0;
  if (place < 3 && Number((nanoseconds / UNITS[place][1]).toPrecision(3)) >= 1000) place += 1;
  return `${digits(nanoseconds / UNITS[place][1])} ${UNITS[place][0]}`;
}

function minutes(seconds) {
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${two((seconds % 3600) / 60)} min`;
}

function digits(number) {
  if (number >= 100) return String(Math.round(number));
  return String(Number(number.toPrecision(3)));
}

export const count = (number) => plain.format(number);

export const plural = (number, one, more = `${one}s`) =>
  `${count(number)} ${number === 1 ? one : more}`;

export function bytes(number) {
  if (number < 1024) return `${number} B`;
  let [size, place] = [number / 1024, 0];
  while (size >= 1000 && place < 3) [size, place] = [size / 1024, place + 1];
  return `${digits(size)} ${["KB", "MB", "GB", "TB"][place]}`;
}

/** A share in [0, 1] as "42 %", "0.3 %", "< 0.1 %". */
export function percent(share) {
  if (share > 0 && share < 0.001) return "< 0.1 %";
  return `${share < 0.0995 ? Number((share * 100).toFixed(1)) : Math.round(share * 100)} %`;
}

export const toMs = (nanoseconds) => Number(BigInt(nanoseconds) / 1000n) / 1000;

/** A round length of time in seconds: "15 min", "3 d". */
export function span(seconds) {
  for (const [size, unit] of SPANS)
    if (seconds >= 2 * size || seconds === size) return `${digits(seconds / size)} ${unit}`;
  return duration(seconds * 1e9);
}

/** "12 s ago" */
export function ago(ms, now = Date.now()) {
  const seconds = Math.round((now - ms) / 1000);
  if (seconds < 1) return "now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}

/** "14:03:07", optionally with milliseconds. */
export function clock(ms, { milliseconds = false, seconds = true } = {}) {
  const date = new Date(ms);
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (!seconds) return time;
  const fraction = milliseconds ? `.${String(date.getMilliseconds()).padStart(3, "0")}` : "";
  return `${time}:${two(date.getSeconds())}${fraction}`;
}

export function day(ms) {
  return new Date(ms).toLocaleDateString("en", { day: "numeric", month: "short" });
}

/** The time of day, preceded by the date unless it is today. */
export function moment(ms, options) {
  const today = new Date(ms).toDateString() === new Date().toDateString();
  return today ? clock(ms, options) : `${day(ms)}, ${clock(ms, options)}`;
}

/** Local date and time to the nanosecond, with the UTC offset. */
export function exactly(nanoseconds) {
  const date = new Date(toMs(nanoseconds));
  const fraction = (BigInt(nanoseconds) % 1_000_000_000n).toString().padStart(9, "0");
  const days = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const shift = -date.getTimezoneOffset();
  const zone = `${shift < 0 ? "−" : "+"}${two(Math.abs(shift) / 60)}:${two(Math.abs(shift) % 60)}`;
  return `${days} ${clock(date.getTime())}.${fraction} ${zone}`;
}
