// Prints the reference of the API in Markdown: every RPC with its policy, its errors, its messages
// and a line to call it by.
// Usage: node client/node/codegen/reference.mjs >proto/REFERENCE.md
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { loadModel } from './descriptors.mjs';
import { wrap } from './names.mjs';
import { sampleRequest } from './samples.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const model = loadModel(join(root, 'proto'));

const ROLES = { 1: 'reader', 2: 'writer', 3: 'admin' };
const TRANSACTIONS = {
  1: 'no transaction',
  2: 'a read-only transaction',
  3: 'a read-write transaction',
};
const PRIORITIES = { 1: 'interactive', 2: 'batch', 3: 'reserved' };
const REPEATS = {
  1: 'safe, it only reads',
  2: 'safe, by its key',
  3: 'safe with its `request_id`, else refused',
  4: 'safe with its `request_id`, else a second write',
};

const anchor = (text) => text.toLowerCase().replaceAll('.', '');
const cell = (text) => text.replaceAll('\n\n', ' ').replaceAll('|', '\\|');
const prose = (text) => wrap(text, 100).join('\n');

// The catalogue of errors, as the README's table has it: reason, code, retry, cause, what to do.
const [, afterBegin] = readFileSync(join(root, 'README.md'), 'utf8').split(
  '<!-- begin: errors -->',
);
const [errorRows] = afterBegin.split('<!-- end -->');
const catalogue = new Map(
  [...errorRows.matchAll(/^\| `(\w+)` \| (\w+) \| [^|]+ \| ([^|]+) \|/gm)].map(
    ([, reason, code, cause]) => [reason, { code, cause: cause.trim() }],
  ),
);

function typeText(field) {
  const known = { message: model.messages, enum: model.enums }[field.type]?.get(field.typeName);
  if (known?.isMapEntry) return `map of ${known.fields[0].type} to ${typeText(known.fields[1])}`;
  const name = field.typeName?.split('.').pop() ?? field.type;
  const text = known ? `[${name}](#${anchor(known.name)})` : name;
  return field.repeated ? `list of ${text}` : text;
}

function rangeText({ min, max }) {
  if (min !== undefined && max !== undefined) return `${min} to ${max}`;
  if (min !== undefined) return `at least ${min}`;
  return max === undefined ? undefined : `at most ${max}`;
}

function rulesText(field, isRequest) {
  const { rules, oneof } = field;
  const texts = [
    oneof ? `${oneof.required ? 'one of' : 'at most one of'} \`${oneof.name}\`` : undefined,
    rules.required ? 'required' : undefined,
    rangeText(rules),
    isRequest && field.type === 'string' ? `up to ${rules.maxLength ?? 256} characters` : undefined,
    isRequest && field.repeated ? `up to ${rules.maxItems ?? 1000} elements` : undefined,
    rules.elements === 1 ? 'each checked alone' : undefined,
    rules.maskOf ? `fields of \`${rules.maskOf}\`` : undefined,
    field.optional ? 'tells unset from zero' : undefined,
    rules.sensitive ? 'never logged' : undefined,
  ];
  return texts.filter(Boolean).join('; ');
}

function fieldsTable(message, isRequest) {
  if (message.fields.length === 0) return 'It has no fields.\n';
  const rows = message.fields.map(
    (field) =>
      `| \`${field.name}\` | ${typeText(field)} | ${rulesText(field, isRequest)} | ${cell(field.comment)} |`,
  );
  return `| Field | Type | Rules | What it is |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
}

function errorsOf(method) {
  const reasons = [...new Set(method.comment.match(/\b[A-Z]+(_[A-Z]+)*\b/g) ?? [])].filter((word) =>
    catalogue.has(word),
  );
  if (reasons.length === 0) return '';
  const rows = reasons.map((reason) => {
    const { code, cause } = catalogue.get(reason);
    return `| \`${reason}\` | ${code} | ${cause} |`;
  });
  return `\n| Error | Code | Cause |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}

function policyText({ policy, clientStreaming, serverStreaming }) {
  const stream = clientStreaming
    ? 'a stream of requests, '
    : serverStreaming
      ? 'a stream of answers, '
      : '';
  const bound = stream ? 'for each step' : 'at most';
  return (
    `For a ${ROLES[policy.access]}; ${stream}${TRANSACTIONS[policy.transaction]}, ` +
    `${PRIORITIES[policy.priority]}, ${policy.defaultDeadlineMs} ms ${bound}; a repeat is ${REPEATS[policy.idempotence]}.`
  );
}

function rpc(service, method) {
  const input = model.messages.get(method.input);
  const output = model.messages.get(method.output);
  const sample = JSON.stringify(sampleRequest(model, input))
    .replaceAll('":', '": ')
    .replaceAll(',"', ', "');
  const data = sample === '{}' ? '' : `-d '${sample}' `;
  return (
    `### ${service.name}.${method.name}\n\n${prose(method.comment)}\n\n${prose(policyText(method))}\n` +
    `${errorsOf(method)}\n` +
    `\`\`\`\ngrpcurl -plaintext ${data}127.0.0.1:50051 ${service.fullName}/${method.name}\n\`\`\`\n\n` +
    `**${input.name}** ${input.comment}\n\n${fieldsTable(input, true)}\n` +
    `**${output.name}** ${output.comment}\n\n${fieldsTable(output, false)}`
  );
}

function reachable(names) {
  const found = new Set();
  const visit = (fullName) => {
    for (const field of model.messages.get(fullName)?.fields ?? []) {
      if (!field.typeName || found.has(field.typeName)) continue;
      if (model.messages.has(field.typeName) || model.enums.has(field.typeName))
        found.add(field.typeName);
      visit(field.typeName);
    }
  };
  names.forEach(visit);
  return found;
}

const isOfMethod = new Set(
  model.services.flatMap(({ methods }) => methods.flatMap(({ input, output }) => [input, output])),
);

function messageSection(fullName, fromRequests) {
  const message = model.messages.get(fullName);
  return `### ${message.name}\n\n${prose(message.comment)}\n\n${fieldsTable(message, fromRequests.has(fullName))}`;
}

function enumSection(type) {
  const rows = type.values.map(
    ({ name, number, comment }) => `| \`${name}\` | ${number} | ${cell(comment)} |`,
  );
  return `### ${type.name}\n\n${prose(type.comment)}\n\n| Value | Number | What it means |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}

function serviceSection(service) {
  const about = model.fileComments.get(service.file);
  return (
    `## ${service.name}\n\n${prose(service.comment)}\n\n${about ? `${prose(about)}\n\n` : ''}` +
    service.methods.map((method) => rpc(service, method)).join('\n')
  );
}

function contents() {
  return model.services
    .map(({ name, methods }) => {
      const links = methods.map(
        (method) => `[${method.name}](#${anchor(`${name}.${method.name}`)})`,
      );
      return `- [${name}](#${anchor(name)}): ${links.join(', ')}`;
    })
    .join('\n');
}

const fromRequests = reachable(
  model.services.flatMap(({ methods }) => methods.map(({ input }) => input)),
);
const all = reachable(
  model.services.flatMap(({ methods }) => methods.flatMap(({ input, output }) => [input, output])),
);
const messages = [...all].filter((name) => {
  const message = model.messages.get(name);
  return message && !message.isMapEntry && !isOfMethod.has(name);
});
const byName = (left, right) => (left < right ? -1 : 1);

const text = `# Reference of the API

Every RPC of \`aquifer.v1\` with what it takes, what it answers, what it says of itself and a line to
call it by. Made from the comments and options of the protos by \`tests/update-docs\`; do not edit it.

- A call may bring a deadline; the server gives it no more than the one stated here.
- \`request_id\` is a UUID that makes a repeat of a write get the first answer:
  [Repeating a write](../README.md#repeating-a-write).
- Errors carry \`google.rpc\` details; the [table of all reasons](../README.md#errors) has what to do
  about each. Those that any method may answer stand above its service.
- Money is a whole number of kopiykas, an instant a \`google.protobuf.Timestamp\`, a civil day a
  [Day](#day). In JSON an int64 may be a number or a text.
- \`grpcurl\` and \`buf curl\` need no files: the server describes itself.

${contents()}

${model.services.map(serviceSection).join('\n')}
## Messages

${messages
  .sort(byName)
  .map((name) => messageSection(name, fromRequests))
  .join('\n')}
## Enums

${[...all]
  .filter((name) => model.enums.has(name))
  .sort(byName)
  .map((name) => enumSection(model.enums.get(name)))
  .join('\n')}`;
process.stdout.write(text);
