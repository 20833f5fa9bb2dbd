// What the tests give to a client on standard input: addresses, assertions, and what to send. See conftest.py.
import { text } from 'node:stream/consumers';

export const given = JSON.parse(await text(process.stdin));

// The same with the addresses that are known by now.
export function addressed(tree, places) {
  let written = JSON.stringify(tree);
  for (const [url, place] of Object.entries(places)) written = written.replaceAll(url, place);
  return JSON.parse(written);
}

// fullUrl → `Type/id` of what a transaction created.
export function located(sent, response) {
  return Object.fromEntries(
    sent.entry.map((entry, n) => [entry.fullUrl, response.entry[n].response.location.split('/_history')[0]])
  );
}

// The id of the one resource of this type.
export function ofType(places, type) {
  return Object.values(places)
    .find((place) => place.startsWith(`${type}/`))
    .split('/')[1];
}
