// Medplum's client (https://github.com/medplum/medplum), unmodified, through a whole handoff over HTTP.
import { MedplumClient, OperationOutcomeError, createReference, resolveId } from '@medplum/core';
import assert from 'node:assert/strict';
import { addressed, given, located, ofType } from './given.mjs';

const options = { baseUrl: new URL(given.baseUrl).origin, fhirUrlPath: 'fhir', tokenUrl: 'oauth/token' };

async function client(partner) {
  const made = new MedplumClient(options);
  await made.startJwtAssertionLogin(given.assertions[partner]);
  return made;
}

const sender = await client(given.sender);
const recipient = await client(given.recipient);

// The sender creates the handoff
const places = located(given.request, await sender.executeBatch(given.request));
const id = ofType(places, 'Task');

// The recipient looks for open work and follows the references
const waiting = [];
const query = { owner: `Organization/${given.recipient}`, status: 'requested', _include: 'Task:focus', _count: 1 };
for await (const page of recipient.searchResourcePages('Task', query)) waiting.push(...page);
assert.ok(waiting.some((resource) => resource.resourceType === 'Task' && resource.id === id));
let task = await recipient.searchOne('Task', { _id: id });
const request = await recipient.readReference(task.focus);
assert.equal(request.resourceType, 'ServiceRequest');
assert.equal((await recipient.readReference(task.for)).id, resolveId(request.subject));

// Received; the version that it was decided on stands in the resource
task = await recipient.updateResource({ ...task, status: 'received' });
assert.equal(task.meta.versionId, '2');

// A gate refuses, and says why
const patch = (version, ...operations) =>
  recipient.patchResource('Task', id, [{ op: 'test', path: '/meta/versionId', value: version }, ...operations]);
const to = (value) => ({ op: 'replace', path: '/status', value });
await assert.rejects(patch('2', to('accepted')), (error) => {
  assert.ok(error instanceof OperationOutcomeError);
  assert.equal(error.outcome.issue[0].code, 'business-rule');
  return error.message.includes('needs the fact');
});

// With the facts it is accepted, and worked on to the end
const answer = addressed(given.answer, places);
Object.assign(places, located(answer, await recipient.executeBatch(answer)));
task = await patch('2', to('accepted'), { op: 'add', path: '/output', value: addressed(given.outputs, places) });
await assert.rejects(patch('2', to('in-progress')), OperationOutcomeError);
task = await patch('3', to('in-progress'));
const appointment = await recipient.readResource('Appointment', ofType(places, 'Appointment'));
await recipient.updateResource({ ...appointment, status: given.kept.status });
task = await recipient.readResource('Task', id); // the visit was noted on it
task = await recipient.updateResource({ ...task, status: 'completed' });

// The sender sees it
assert.equal((await sender.readResource('Task', id)).status, 'completed');
assert.equal((await sender.readHistory('Task', id)).entry.length, 6);
assert.equal((await sender.readVersion('Task', id, '1')).status, 'requested');
assert.equal((await sender.get(sender.fhirUrl('Task', id, '$evidence'))).type, 'document');
await assert.rejects(sender.readResource('Task', 'nobody'), /no such Task/);

// Reads that it puts into one batch by itself
const batching = new MedplumClient({ ...options, autoBatchTime: 20, accessToken: sender.getAccessToken() });
const [read, found, missing] = await Promise.all([
  batching.readResource('Task', id),
  batching.searchOne('ServiceRequest', { _id: request.id }),
  batching.readResource('Task', 'nobody').catch((error) => error),
]);
assert.deepEqual([read.id, found.id], [id, request.id]);
assert.match(missing.message, /no such Task/);

// Resource by resource
const patient = await sender.createResource({ resourceType: 'Patient', name: [{ family: 'Testerly', given: ['Rowan'] }] });
const order = await sender.createResource({
  resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject: createReference(patient),
});
const asked = await sender.createResource({
  resourceType: 'Task', status: 'requested', intent: 'order', focus: createReference(order), for: createReference(patient),
  requester: { reference: `Organization/${given.sender}` }, owner: { reference: `Organization/${given.recipient}` },
});
assert.equal((await recipient.searchOne('Task', { patient: `Patient/${patient.id}` })).id, asked.id);

// Other interactions
const number = crypto.randomUUID();
const body = { resourceType: 'Patient', identifier: [{ system: 'urn:x:once', value: number }] };
const made = await sender.createResourceIfNoneExist(body, `identifier=urn:x:once|${number}`);
const again = await sender.createResourceIfNoneExist(body, `identifier=urn:x:once|${number}`);
assert.equal(again.id, made.id);
const updated = await sender.upsertResource({ ...body, gender: 'other' }, { identifier: `urn:x:once|${number}` });
assert.deepEqual([updated.id, updated.gender], [made.id, 'other']);
assert.equal((await sender.search('Patient', { identifier: number, _summary: 'count' })).total, 1);
assert.equal((await sender.validateResource(body)).issue[0].severity, 'information');
await sender.deleteResource('Patient', made.id);
await assert.rejects(sender.readResource('Patient', made.id), /deleted/);
