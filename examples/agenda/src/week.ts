/** A week from Monday to Sunday, in the reader's time zone. */
export interface Week {
  from: Date;
  to: Date;
}

export const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The week that lies so many weeks from today's. */
export function week(offset: number, today = new Date()): Week {
  const monday = today.getDate() - ((today.getDay() + 6) % 7) + 7 * offset;
  const day = (date: number) => new Date(today.getFullYear(), today.getMonth(), date);
  return { from: day(monday), to: day(monday + 6) };
}

/** A calendar day as the graph's `Date`: not `toISOString()`, which would give the day in UTC. */
export function date(day: Date): string {
  const two = (number: number) => String(number).padStart(2, "0");
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}

const DAY = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });
const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export const day = (time: string | Date) => DAY.format(new Date(time));
export const hour = (time: string | Date) => TIME.format(new Date(time));
