import type { CountsQuery, RowFragment } from "./gql/graphql";
import { day, hour } from "./week";

type Group = NonNullable<CountsQuery["meetingStats"]>["groups"][number];

/** Meetings under whoever owns them, owners by name. */
export function Owners({ meetings, groups }: { meetings: RowFragment[]; groups: Group[] }) {
  const owners = new Map<string, RowFragment[]>();
  for (const meeting of meetings) {
    const name = meeting.owner?.name ?? "Nobody";
    owners.set(name, [...(owners.get(name) ?? []), meeting]);
  }
  if (!owners.size) return <p>No meetings this week.</p>;
  return [...owners]
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([name, own]) => {
      const counts = groups.find((group) => group.owner?.id === own[0]?.owner?.id)?.counts;
      return (
        <section key={name}>
          <h2>
            {name} {counts && <small>{counts.meetings} {counts.meetings === 1 ? "meeting" : "meetings"}</small>}
          </h2>
          <ul>
            {own.map((meeting) => (
              <Meeting key={meeting.id} meeting={meeting} />
            ))}
          </ul>
        </section>
      );
    });
}

function Meeting({ meeting }: { meeting: RowFragment }) {
  const { title, startTime, endTime, person, status, sources } = meeting;
  return (
    <li className={status === "CANCELED" ? "canceled" : undefined}>
      <time dateTime={startTime ?? undefined}>
        {startTime ? `${day(startTime)}, ${hour(startTime)}${endTime ? `–${hour(endTime)}` : ""}` : "no time"}
      </time>
      <span>
        <b>{title ?? "Untitled"}</b>
        {person?.name && ` with ${person.name}`}
        {person?.companyName && ` (${person.companyName})`}
      </span>
      <span className="state">{[status === "BOOKED" ? "" : status.toLowerCase(), sources?.join(" + ")].filter(Boolean).join(" · ")}</span>
    </li>
  );
}
