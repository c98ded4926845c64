// Times are seconds on the presentation clock; spans are half-open. What people read and write is here.

const pad = (n, digits = 2) => String(n).padStart(digits, "0");

/** 83.5 as "1:23.5"; `decimals` places, rounded to the nearest. */
export function clock(seconds, decimals = 1) {
  const unit = 10 ** decimals;
  const ticks = Math.round(Math.max(0, seconds) * unit);
  const whole = Math.floor(ticks / unit);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = decimals ? `.${pad(ticks % unit, decimals)}` : "";
  const tail = `${pad(whole % 60)}${rest}`;
  return hours ? `${hours}:${pad(minutes)}:${tail}` : `${minutes}:${tail}`;
}

/** How long something lasts, for people: "19 s", "2 min 5 s", "1 h 12 min". */
export function length(seconds) {
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
  const rest = Math.round((whole % 3600) / 60);
  return rest ? `${Math.floor(whole / 3600)} h ${rest} min` : `${Math.floor(whole / 3600)} h`;
}

/** "1:02:03.5", "83.5" or "83.5s" to seconds; null for an empty text, NaN for what is no time. */
export function parseTime(text) {
  const trimmed = text.trim().replace(/s$/, "");
  if (trimmed === "") return null;
  if (!/^(\d+:){0,2}\d+(\.\d+)?$/.test(trimmed)) return NaN;
  return trimmed.split(":").reduce((total, part) => total * 60 + Number(part), 0);
}

/** "just now", "5 minutes ago", or the date. */
export function ago(epochSeconds, now = Date.now() / 1000) {
  const passed = Math.max(0, now - epochSeconds);
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  if (passed < 45) return "just now";
  if (passed < 3600) return relative.format(-Math.max(1, Math.round(passed / 60)), "minute");
  if (passed < 86400) return relative.format(-Math.round(passed / 3600), "hour");
  return new Date(epochSeconds * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

export function bytes(count) {
  if (count < 1000) return `${count} B`;
  const units = ["kB", "MB", "GB", "TB"];
  const power = Math.min(units.length, Math.floor(Math.log10(count) / 3));
  const value = count / 1000 ** power;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[power - 1]}`;
}

export const percent = (share) => `${Math.round(share * 100)}%`;
export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;
