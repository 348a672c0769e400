// A function to write and one to read each message, straight-line, so that the engine compiles them.
import { camel } from './names.mjs';
import { VALUES, apiEnums, isMap, mayBeAbsent, plainMessages } from './types.mjs';

const WIRES = { double: 1, int64: 0, int32: 0, bool: 0, enum: 0, string: 2, bytes: 2, message: 2 };
const tagOf = (field, wire = WIRES[field.type]) => field.number * 8 + wire;
const isPackable = (field) => WIRES[field.type] !== 2;

function writeOne(model, field, value) {
  const path = `'${field.name}'`;
  switch (field.type) {
    case 'enum':
      return `w.uint32(enumNumber(${model.enums.get(field.typeName).name}Numbers, ${value}, ${path}))`;
    case 'bytes':
      return `w.bytes(${value})`;
    case 'message':
      break;
    default:
      return `w.${field.type}(${value}, ${path})`;
  }
  const known = VALUES.get(field.typeName);
  if (known) return known[2] === 'any' ? `w.any(${value})` : `w.${known[2]}(${value}, ${path})`;
  const { name } = model.messages.get(field.typeName);
  return `nested(w, ${value}${field.masked ? ` as t.${name}Input` : ''}, encode${name})`;
}

function writeField(model, field) {
  const name = `m.${camel(field.name)}`;
  const path = `'${field.name}'`;
  if (isMap(model, field)) {
    const [key, value] = model.messages.get(field.typeName).fields;
    return (
      `  if (${name} != null) {\n    for (const [key, value] of Object.entries(${name})) {\n` +
      `      w.uint32(${tagOf(field)});\n      const at = w.fork();\n` +
      `      w.uint32(${tagOf(key)});\n      ${writeOne(model, key, 'key')};\n` +
      `      w.uint32(${tagOf(value)});\n      ${writeOne(model, value, 'value')};\n` +
      `      w.join(at);\n    }\n  }`
    );
  }
  if (field.repeated && isPackable(field)) {
    return (
      `  if (${name} != null && list(${name}, ${path}).length > 0) {\n    w.uint32(${tagOf(field, 2)});\n` +
      `    const at = w.fork();\n    for (const value of ${name}) ${writeOne(model, field, 'value')};\n` +
      '    w.join(at);\n  }'
    );
  }
  if (field.repeated) {
    return (
      `  if (${name} != null) {\n    for (const value of list(${name}, ${path})) {\n` +
      `      w.uint32(${tagOf(field)});\n      ${writeOne(model, field, 'value')};\n    }\n  }`
    );
  }
  return `  if (${name} != null) {\n    w.uint32(${tagOf(field)});\n    ${writeOne(model, field, name)};\n  }`;
}

// A mask that is not given names the fields that are.
function writeMask(field) {
  const masked = `m.${camel(field.rules.maskOf)}`;
  return (
    `  w.uint32(${tagOf(field)});\n` +
    `  w.fieldMask(m.${camel(field.name)} ?? givenFields(${masked}), '${field.name}');`
  );
}

function oneofChecks(message) {
  return message.oneofs
    .map((oneof) => message.fields.filter((field) => field.oneof === oneof))
    .filter((fields) => fields.length > 1)
    .map((fields) => {
      const names = fields.map((field) => camel(field.name));
      const values = names.map((name) => `m.${name}`).join(', ');
      return `  atMostOne([${values}], '${names.join(', ')}');`;
    });
}

function encoder(model, message) {
  const { name } = message;
  if (message.fields.length === 0) {
    return `export function encode${name}(_w: Writer, m: t.${name}Input): void {\n  checkFields(m, NONE, '${name}');\n}\n`;
  }
  const known = message.fields.map((field) => `'${camel(field.name)}'`).join(', ');
  const masked = new Set(message.fields.map((field) => field.rules.maskOf));
  const writes = message.fields.map((field) =>
    field.rules.maskOf
      ? writeMask(field)
      : writeField(model, { ...field, masked: masked.has(field.name) }),
  );
  return (
    `const ${name}Fields = new Set([${known}]);\n` +
    `export function encode${name}(w: Writer, m: t.${name}Input): void {\n` +
    `  checkFields(m, ${name}Fields, '${name}');\n` +
    [...oneofChecks(message), ...writes].join('\n') +
    '\n}\n'
  );
}

function readOne(model, field) {
  if (field.type === 'enum')
    return `enumName(${model.enums.get(field.typeName).name}Names, r.int32())`;
  if (field.type !== 'message') return `r.${field.type}()`;
  const known = VALUES.get(field.typeName);
  return known ? `r.${known[2]}()` : `decode${model.messages.get(field.typeName).name}(r, r.end())`;
}

function initial(model, field) {
  if (isMap(model, field)) return `{} as t.${owner(model, field)}`;
  if (field.repeated) return '[]';
  if (mayBeAbsent(field)) return 'undefined';
  switch (field.type) {
    case 'enum': {
      const type = model.enums.get(field.typeName);
      return `'${type.values.find((value) => value.number === 0).name}'`;
    }
    case 'int64':
      return '0n';
    case 'string':
      return "''";
    case 'bool':
      return 'false';
    case 'bytes':
      return 'Buffer.alloc(0)';
    default:
      return '0';
  }
}

const owner = (model, field) => `${field.owner}['${camel(field.name)}']`;

function readCases(model, field, local) {
  if (isMap(model, field)) {
    const [key, value] = model.messages.get(field.typeName).fields;
    return (
      `      case ${tagOf(field)}: {\n        const [key, value] = entry(r, ${initial(model, value)}, ` +
      `${tagOf(value)}, () => ${readOne(model, value)});\n        ${local}[key] = value;\n        break;\n      }\n`
    ).replace('entry(r', `entry(r, ${tagOf(key)}`);
  }
  if (!field.repeated) {
    return `      case ${tagOf(field)}:\n        ${local} = ${readOne(model, field)};\n        break;\n`;
  }
  let cases = `      case ${tagOf(field)}:\n        ${local}.push(${readOne(model, field)});\n        break;\n`;
  if (isPackable(field)) {
    cases +=
      `      case ${tagOf(field, 2)}:\n        for (const last = r.end(); r.pos < last; ) ` +
      `${local}.push(${readOne(model, field)});\n        break;\n`;
  }
  return cases;
}

function decoder(model, message) {
  const { name } = message;
  const fields = message.fields.map((field) => ({ ...field, owner: name }));
  const locals = fields.map((field) => {
    const word = field.repeated ? 'const' : 'let';
    return `  ${word} ${camel(field.name)}_: t.${owner(model, field)} = ${initial(model, field)};\n`;
  });
  const cases = fields.map((field) => readCases(model, field, `${camel(field.name)}_`));
  const members = fields.map((field) => `${camel(field.name)}: ${camel(field.name)}_`);
  return (
    `export function decode${name}(r: Reader, end: number): t.${name} {\n${locals.join('')}` +
    `  while (r.pos < end) {\n    const tag = r.uint32();\n    switch (tag) {\n${cases.join('')}` +
    '      default:\n        r.skip(tag);\n    }\n  }\n' +
    `  return { ${members.join(', ')} };\n}\n`
  );
}

function enumTables(type) {
  const numbers = type.values.map((value) => `${value.name}: ${value.number}`).join(', ');
  const names = type.values.map((value) => `${value.number}: '${value.name}'`).join(', ');
  return (
    `const ${type.name}Numbers: Record<string, number> = { ${numbers} };\n` +
    `const ${type.name}Names: Record<number, t.${type.name}> = { ${names} };\n`
  );
}

const PRELUDE = `import { invalidField } from '../errors.js';
import { type Reader, enumName } from '../reader.js';
import { type Writer, checkFields, enumNumber, list } from '../writer.js';
import type * as t from './types.js';

const NONE: ReadonlySet<string> = new Set();

function nested<T>(w: Writer, value: T, encode: (w: Writer, value: T) => void): void {
  const at = w.fork();
  encode(w, value);
  w.join(at);
}

function atMostOne(values: readonly unknown[], names: string): void {
  let chosen = 0;
  for (const value of values) if (value != null) ++chosen;
  if (chosen > 1) throw invalidField(names, 'exclude one another');
}

function givenFields(message: object | null | undefined): string[] {
  return Object.entries(message ?? {})
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name);
}

function entry<T>(r: Reader, keyTag: number, none: T, valueTag: number, read: () => T): [string, T] {
  let key = '';
  let value = none;
  for (const end = r.end(); r.pos < end; ) {
    const tag = r.uint32();
    if (tag === keyTag) key = r.string();
    else if (tag === valueTag) value = read();
    else r.skip(tag);
  }
  return [key, value];
}
`;

export function codecFile(model) {
  return [
    PRELUDE,
    ...apiEnums(model).map(enumTables),
    ...plainMessages(model).flatMap((message) => [
      encoder(model, message),
      decoder(model, message),
    ]),
  ].join('\n');
}
