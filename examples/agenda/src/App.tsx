import { useMemo, useRef, useState } from "react";
import { useQuery, useSubscription } from "@apollo/client/react";

import { Banner } from "./Banner";
import { Owners } from "./Owners";
import { CHANGES, COUNTS, WEEK } from "./queries";
import { date, day, timeZone, week } from "./week";

const PAGE = 40;

export function App() {
  const [offset, setOffset] = useState(0);
  const [noShows, setNoShows] = useState(false);
  const [news, setNews] = useState("");
  const { from, to } = useMemo(() => week(offset), [offset]);
  const range = useMemo(() => ({ days: { from: date(from), to: date(to), timeZone } }), [from, to]);
  const filter = useMemo(() => (noShows ? { ...range, noShow: true } : range), [range, noShows]);

  const meetings = useQuery(WEEK, { variables: { filter, first: PAGE }, notifyOnNetworkStatusChange: true });
  const counts = useQuery(COUNTS, { variables: { filter: range, timeZone } });

  const wanted = useRef(PAGE);
  const list = meetings.data?.meetings;
  const stats = counts.data?.meetingStats;

  // A change of a meeting that is shown arrives in the cache by its id; for any other the lists are asked anew.
  useSubscription(CHANGES, {
    variables: { filter: { ...range, canceled: "INCLUDE" } },
    onData: ({ data }) => {
      const change = data.data?.meetingChanged;
      if (!change || change.kind === "READY") return;
      setNews(`${change.kind.toLowerCase()}: ${change.meeting?.title ?? "a meeting"}`);
      if (change.kind !== "UPDATED") void meetings.refetch({ first: Math.min(wanted.current, 500) }); // all that is shown, not the first page alone
      void counts.refetch();
    },
  });

  const go = (week: number) => {
    wanted.current = PAGE;
    setOffset(week);
  };
  const more = (after: string | null | undefined) => {
    wanted.current += PAGE;
    void meetings.fetchMore({ variables: { first: PAGE, after } });
  };

  return (
    <main>
      <header>
        <h1>Agenda</h1>
        <nav aria-label="Week">
          <button onClick={() => go(offset - 1)}>‹ Earlier</button>
          <strong>
            {day(from)} – {day(to)}
          </strong>
          <button onClick={() => go(offset + 1)}>Later ›</button>
        </nav>
        <label>
          <input type="checkbox" checked={noShows} onChange={(event) => setNoShows(event.target.checked)} /> Only no-shows
        </label>
        <p className="zone">Times in {timeZone}</p>
      </header>
      {stats && (
        <p className="counts">
          <b>{stats.total.meetings}</b> meetings · <b>{stats.total.canceled}</b> cancelled · <b>{stats.total.noShow}</b> no-shows
          {stats.total.noShowRate != null && ` (${Math.round(stats.total.noShowRate * 100)} %)`}
        </p>
      )}
      <p role="status" className="news">
        {news}
      </p>
      <Banner reports={list?.sourceReports ?? []} error={meetings.error} />
      {meetings.loading && !list && <p>Loading …</p>}
      {list && <Owners meetings={list.edges.map((edge) => edge.node)} groups={stats?.groups ?? []} />}
      {list?.pageInfo.hasNextPage && (
        <button disabled={meetings.loading} onClick={() => more(list.pageInfo.endCursor)}>
          {meetings.loading ? "Loading …" : "Load more"}
        </button>
      )}
    </main>
  );
}
