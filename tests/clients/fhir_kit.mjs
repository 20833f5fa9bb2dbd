// fhir-kit-client (https://github.com/Vermonster/fhir-kit-client), unmodified, through a whole handoff over HTTP.
import assert from 'node:assert/strict';
import { Client } from 'fhir-kit-client';
import { addressed, given, located, ofType } from './given.mjs';

async function client(partner) {
  const made = new Client({ baseUrl: given.baseUrl });
  const { tokenUrl } = await made.smartAuthMetadata();
  const answer = await fetch(tokenUrl, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      scope: 'system/*.cruds',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: given.assertions[partner],
    }),
  });
  made.bearerToken = (await answer.json()).access_token;
  return made;
}

const sender = await client(given.sender);
const recipient = await client(given.recipient);

// Discovery
const capabilities = await sender.capabilityStatement();
assert.equal(capabilities.fhirVersion, '4.0.1');

// The sender creates the handoff
const sent = await sender.transaction({ body: given.request });
const places = located(given.request, sent);
const id = ofType(places, 'Task');
assert.equal(Client.httpFor(sent).response.status, 200);

// The recipient looks for open work, page by page, and follows the references
let page = await recipient.search({
  resourceType: 'Task',
  searchParams: { owner: `Organization/${given.recipient}`, status: 'requested', _include: ['Task:focus', 'Task:patient'], _count: 1 },
});
const waiting = [];
while (page) {
  waiting.push(...page.entry.filter((entry) => entry.search.mode === 'match').map((entry) => entry.resource.id));
  page = await recipient.nextPage({ bundle: page });
}
assert.ok(waiting.includes(id));
const posted = await recipient.search({
  resourceType: 'Task',
  searchParams: { _id: id, _include: 'Task:focus' },
  options: { postSearch: true },
});
let task = posted.entry[0].resource;
const inPage = await recipient.resolve({ reference: task.focus.reference, context: posted });
const request = await recipient.resolve({ reference: task.focus.reference });
assert.deepEqual(inPage, request);
const patient = await recipient.resolve({ reference: `${given.baseUrl}/${request.subject.reference}` });
assert.equal(patient.resourceType, 'Patient');

// Received, by an update with If-Match as the answer before had it
task = await recipient.read({ resourceType: 'Task', id });
const etag = (answer) => Client.httpFor(answer).response.headers.get('etag');
const ifMatch = (answer) => ({ headers: { 'If-Match': etag(answer) } });
task = await recipient.update({ resourceType: 'Task', id, body: { ...task, status: 'received' }, options: ifMatch(task) });
assert.equal(task.status, 'received');
assert.equal(etag(task), 'W/"2"');

// A gate refuses, and says why
const patch = (...jsonPatch) => recipient.patch({ resourceType: 'Task', id, jsonPatch, options: ifMatch(task) });
const to = (value) => ({ op: 'replace', path: '/status', value });
await assert.rejects(patch(to('accepted')), ({ response: { status, data } }) => {
  assert.equal(status, 422);
  assert.ok(data.issue.some((issue) => issue.details.text.includes('needs the fact `recipient-clinician`')));
  return true;
});

// With the facts it is accepted, and worked on to the end
const answer = addressed(given.answer, places);
Object.assign(places, located(answer, await recipient.batch({ body: answer })));
task = await patch(to('accepted'), { op: 'add', path: '/output', value: addressed(given.outputs, places) });
await assert.rejects(
  recipient.update({ resourceType: 'Task', id, body: { ...task, meta: { versionId: '2' }, status: 'in-progress' } }),
  ({ response }) => response.status === 412
);
task = await recipient.update({ resourceType: 'Task', id, body: { ...task, status: 'in-progress' } });
const appointmentId = ofType(places, 'Appointment');
await recipient.update({
  resourceType: 'Appointment',
  id: appointmentId,
  body: { ...addressed(given.kept, places), id: appointmentId },
});
task = await recipient.read({ resourceType: 'Task', id }); // the visit was noted on it
task = await patch(to('completed'));
assert.equal(task.status, 'completed');

// The sender sees it
const seen = await sender.read({ resourceType: 'Task', id });
assert.equal(seen.status, 'completed');
const first = await sender.vread({ resourceType: 'Task', id, version: '1' });
assert.equal(first.status, 'requested');
const history = await sender.history({ resourceType: 'Task', id });
assert.equal(history.entry.length, 6);
const evidence = await sender.operation({ resourceType: 'Task', id, name: 'evidence', method: 'GET' });
assert.equal(evidence.type, 'document');
const unchanged = await sender.request(`Task/${id}`, { options: { headers: { 'If-None-Match': etag(seen) } } }).catch((error) => error);
assert.equal(unchanged.response.status, 304);

// Other interactions
const number = crypto.randomUUID();
const body = { resourceType: 'Patient', identifier: [{ system: 'urn:x:once', value: number }] };
const once = { headers: { 'If-None-Exist': `identifier=urn:x:once|${number}` } };
const made = await sender.create({ resourceType: 'Patient', body, options: once });
const again = await sender.create({ resourceType: 'Patient', body, options: once });
assert.equal(again.id, made.id);
assert.ok(Client.httpFor(made).response.headers.get('location').startsWith(`${given.baseUrl}/Patient/${made.id}/_history/1`));
const searchParams = { identifier: `urn:x:once|${number}` };
const updated = await sender.update({ resourceType: 'Patient', searchParams, body: { ...body, gender: 'other' } });
assert.deepEqual([updated.id, updated.gender], [made.id, 'other']);
const counted = await sender.search({ resourceType: 'Patient', searchParams: { ...searchParams, _summary: 'count' } });
assert.equal(counted.total, 1);
const valid = await sender.operation({ resourceType: 'Patient', name: 'validate', input: body });
assert.equal(valid.issue[0].severity, 'information');
await sender.delete({ resourceType: 'Patient', id: made.id });
await assert.rejects(sender.read({ resourceType: 'Patient', id: made.id }), ({ response }) => response.status === 410);
