import { graphql } from "./gql";

export const WEEK = graphql(`
  query Week($filter: MeetingFilter!, $first: Int!, $after: String) {
    meetings(first: $first, after: $after, filter: $filter, orderBy: { field: START_TIME, direction: ASC }) {
      edges {
        node {
          ...Row
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
      sourceReports {
        source
        status
        message
      }
    }
  }

  fragment Row on Meeting {
    id
    title
    startTime
    endTime
    status
    noShow
    sources
    owner {
      id
      name
    }
    person {
      id
      name
      companyName
    }
  }
`);

export const COUNTS = graphql(`
  query Counts($filter: MeetingFilter!, $timeZone: String!) {
    meetingStats(filter: $filter, groupBy: [OWNER], timeZone: $timeZone) {
      total {
        meetings
        canceled
        noShow
        noShowRate
      }
      groups {
        owner {
          id
        }
        counts {
          meetings
          noShow
        }
      }
    }
  }
`);

export const CHANGES = graphql(`
  subscription Changes($filter: MeetingFilter!) {
    meetingChanged(filter: $filter) {
      kind
      meetingId
      meeting {
        ...Row
      }
    }
  }
`);
