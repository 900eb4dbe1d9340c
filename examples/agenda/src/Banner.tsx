import type { ErrorLike } from "@apollo/client";

import type { WeekQuery } from "./gql/graphql";

type Report = NonNullable<WeekQuery["meetings"]>["sourceReports"][number];

const WHOLE = new Set(["OK", "SKIPPED"]);

/** What is missing from the list, or wrong with the request. */
export function Banner({ reports, error }: { reports: Report[]; error: ErrorLike | undefined }) {
  const odd = reports.filter((report) => !WHOLE.has(report.status));
  if (!odd.length && !error) return null;
  return (
    <div role="alert" className="banner">
      {odd.map((report) => (
        <p key={report.source}>
          <b>{report.source}</b> {report.status === "STALE" ? "is shown from the cache" : "is not all here"}
          {report.message && `: ${report.message}`}
        </p>
      ))}
      {!odd.length && error && <p>{error.message}</p>}
    </div>
  );
}
