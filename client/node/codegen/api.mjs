// The table of methods with their policy, and a class for each service with a method for each RPC.
import { camel, docComment, lowerFirst } from './names.mjs';

const IDEMPOTENCE = { 1: 'read', 2: 'byKey', 3: 'guarded', 4: 'byRequestId' };

const typeName = (model, fullName) => model.messages.get(fullName).name;
const constant = (service, method) => `${lowerFirst(service.name)}_${lowerFirst(method.name)}`;
export const apiClass = (service) => `${service.name.replace(/(Repository|Service)$/, '')}Api`;

function kind(method) {
  if (method.clientStreaming) return 'clientStream';
  return method.serverStreaming ? 'serverStream' : 'unary';
}

export function methodsFile(model) {
  const rows = model.services.flatMap((service) =>
    service.methods.map((method) => {
      const input = typeName(model, method.input);
      const output = typeName(model, method.output);
      const requestId = model.messages
        .get(method.input)
        .fields.find((f) => f.name === 'request_id');
      return (
        `export const ${constant(service, method)}: Method<t.${input}Input, t.${output}, t.${input}, ` +
        `t.${output}Input> = {\n` +
        `  name: '${service.name}/${method.name}',\n  path: '/${service.fullName}/${method.name}',\n` +
        `  kind: '${kind(method)}',\n  idempotence: '${IDEMPOTENCE[method.policy.idempotence]}',\n` +
        `  usesDatabase: ${method.policy.transaction !== 1},\n` +
        `  deadlineMs: ${method.policy.defaultDeadlineMs},\n  requestIdField: ${requestId?.number ?? 0},\n` +
        `  encode: c.encode${input},\n  decode: c.decode${output},\n` +
        `  decodeRequest: c.decode${input},\n  encodeResponse: c.encode${output},\n};\n`
      );
    }),
  );
  const names = model.services.flatMap((service) =>
    service.methods.map(
      (method) => `  '${service.name}/${method.name}': ${constant(service, method)},`,
    ),
  );
  return (
    "import type { Method } from '../method.js';\nimport * as c from './codec.js';\n" +
    "import type * as t from './types.js';\n\n" +
    rows.join('\n') +
    `\n/** Every method by its name. */\nexport const methods = {\n${names.join('\n')}\n};\n`
  );
}

// The list that a paged answer carries.
function pagedField(model, method) {
  const output = model.messages.get(method.output);
  if (!output.fields.some((field) => field.name === 'next_page_token')) return undefined;
  return output.fields.find((field) => field.repeated);
}

function rpc(model, service, method) {
  const name = lowerFirst(method.name);
  const input = `t.${typeName(model, method.input)}Input`;
  const output = `t.${typeName(model, method.output)}`;
  const message = model.messages.get(method.input);
  const mayBeEmpty = !message.fields.some(
    (field) => field.rules.required && !field.oneof && !field.repeated,
  );
  const request = `request: ${input}${mayBeEmpty ? ' = {}' : ''}`;
  const definition = `m.${constant(service, method)}`;
  let text = docComment(method.comment, '  ');
  if (method.clientStreaming) {
    text +=
      `  ${name}(\n    requests: AsyncIterable<${input}> | Iterable<${input}>,\n    options?: CallOptions,\n` +
      `  ): Promise<${output}> {\n    return this.caller.clientStream(${definition}, requests, options);\n  }\n`;
  } else if (method.serverStreaming) {
    text +=
      `  ${name}(${request}, options?: CallOptions): AsyncIterable<${output}> {\n` +
      `    return this.caller.serverStream(${definition}, request, options);\n  }\n`;
  } else {
    text +=
      `  ${name}(${request}, options?: CallOptions): Promise<${output}> {\n` +
      `    return this.caller.unary(${definition}, request, options);\n  }\n`;
  }
  const paged = pagedField(model, method);
  if (paged) {
    const item = typeName(model, paged.typeName);
    text +=
      `\n  /** Everything that ${name} lists, page after page. */\n` +
      `  ${name}All(${request}, options?: CallOptions): AsyncIterable<t.${item}> {\n` +
      `    return pages(request, (page) => this.${name}(page, options), (answer) => answer.${camel(paged.name)});\n  }\n`;
  }
  return text;
}

export function apiFile(model) {
  const classes = model.services.map(
    (service) =>
      `${docComment(service.comment)}export class ${apiClass(service)} {\n` +
      '  constructor(private readonly caller: Caller) {}\n\n' +
      service.methods.map((method) => rpc(model, service, method)).join('\n') +
      '}\n',
  );
  return (
    "import type { CallOptions, Caller } from '../method.js';\nimport { pages } from '../pages.js';\n" +
    "import * as m from './methods.js';\nimport type * as t from './types.js';\n\n" +
    classes.join('\n')
  );
}
