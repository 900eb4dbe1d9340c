// What an application written with Relay asks; relay-compiler turns each into an artifact.
import { graphql } from "relay-runtime";

graphql`
  query queriesAppQuery($count: Int!) {
    ...queriesMeetings_query @arguments(count: $count)
  }
`;

graphql`
  fragment queriesMeetings_query on Query
  @refetchable(queryName: "queriesMeetingsPaginationQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 5 }, cursor: { type: "String" }) {
    meetings(first: $count, after: $cursor) @connection(key: "queriesMeetings_meetings") {
      edges {
        node {
          id
          ...queriesMeeting_meeting
        }
      }
    }
  }
`;

graphql`
  fragment queriesMeeting_meeting on Meeting @refetchable(queryName: "queriesMeetingRefetchQuery") {
    id
    title
    startTime
    owner {
      name
    }
  }
`;

// One number that names a record of several tables, as in real accounts: Relay must not show one in another's place.
graphql`
  query queriesNumbersQuery($small: ID!, $large: ID!) {
    user(by: { salesloftId: $small }) {
      name
      salesloft {
        vendorId
        name
      }
    }
    cadence(by: { salesloftId: $small }) {
      name
      salesloft {
        vendorId
        name
        owner {
          vendorId
        }
      }
    }
    step(by: { salesloftId: $small }) {
      name
      salesloft {
        vendorId
        name
      }
    }
    person(by: { salesloftId: $large }) {
      name
      salesloft {
        vendorId
        name: displayName
        createdAt
      }
      createdAt
    }
    account(by: { salesloftId: $large }) {
      name
      salesloft {
        vendorId
        name
        createdAt
      }
      createdAt
    }
  }
`;
