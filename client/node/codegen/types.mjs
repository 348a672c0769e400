// The TypeScript types of messages and enums. Every message has two: `X`, as it comes in an answer,
// with every field there; and `XInput`, as it may be given, with what may be left out optional.
import { camel, docComment, shortValue } from './names.mjs';

// Messages that are a value of their own in TypeScript: [decoded, input, method of Reader and Writer].
export const VALUES = new Map([
  ['google.protobuf.Timestamp', ['Instant', 'InstantLike', 'timestamp']],
  ['google.protobuf.Duration', ['number', 'number', 'duration']],
  ['google.protobuf.FieldMask', ['string[]', 'readonly string[]', 'fieldMask']],
  ['google.protobuf.Any', ['AnyValue', 'AnyValue', 'any']],
  ['aquifer.v1.Day', ['Day', 'DayLike', 'day']],
]);

const SCALARS = {
  double: ['number', 'number'],
  int64: ['bigint', 'IntLike'],
  int32: ['number', 'number'],
  bool: ['boolean', 'boolean'],
  string: ['string', 'string'],
  bytes: ['Buffer', 'Uint8Array'],
};

export const isMap = (model, field) =>
  field.type === 'message' && (model.messages.get(field.typeName)?.isMapEntry ?? false);

// [decoded, input] of one element.
function elementTypes(model, field) {
  if (field.type === 'enum') {
    const { name } = model.enums.get(field.typeName);
    return [name, name];
  }
  if (field.type !== 'message') return SCALARS[field.type];
  if (VALUES.has(field.typeName)) return VALUES.get(field.typeName);
  const { name } = model.messages.get(field.typeName);
  return [name, `${name}Input`];
}

function fieldTypes(model, field) {
  if (isMap(model, field)) {
    const [value, input] = elementTypes(model, model.messages.get(field.typeName).fields[1]);
    return [`Record<string, ${value}>`, `Record<string, ${input}>`];
  }
  const [decoded, input] = elementTypes(model, field);
  return field.repeated ? [`${decoded}[]`, `readonly ${input}[]`] : [decoded, input];
}

// Whether an answer may lack the field.
export const mayBeAbsent = (field) =>
  !field.repeated && (field.optional || field.oneof !== undefined || field.type === 'message');

function messageTypes(model, message) {
  const decoded = [];
  const input = [];
  const masks = new Set(message.fields.map((field) => field.rules.maskOf).filter(Boolean));
  for (const field of message.fields) {
    const [type, given] = fieldTypes(model, field);
    const name = camel(field.name);
    const comment = docComment(field.comment, '  ');
    decoded.push(`${comment}  ${name}: ${type}${mayBeAbsent(field) ? ' | undefined' : ''};`);
    const needed = field.rules.required && !field.oneof && !field.repeated;
    // Of a masked message only what is to change is given; null clears it.
    const partial = masks.has(field.name) ? `Masked<${given}>` : given;
    input.push(
      `${comment}  ${name}${needed ? '' : '?'}: ${partial}${needed ? '' : ' | null | undefined'};`,
    );
  }
  const comment = docComment(message.comment);
  return (
    `${comment}export interface ${message.name} {\n${decoded.join('\n')}\n}\n\n` +
    `${comment}export interface ${message.name}Input {\n${input.join('\n')}\n}\n`
  );
}

function enumType(type) {
  const values = type.values.map(
    (value) => `${docComment(value.comment, '  ')}  ${shortValue(type, value)}: '${value.name}',`,
  );
  return (
    `${docComment(type.comment)}export const ${type.name} = {\n${values.join('\n')}\n} as const;\n` +
    `${docComment(type.comment)}export type ${type.name} = (typeof ${type.name})[keyof typeof ${type.name}];\n`
  );
}

export const plainMessages = (model) =>
  [...model.messages.values()].filter(
    (message) =>
      !message.isMapEntry &&
      !VALUES.has(message.fullName) &&
      !message.file.endsWith('/options.proto'),
  );

export const apiEnums = (model) =>
  [...model.enums.values()].filter((type) => !type.file.endsWith('/options.proto'));

export function typesFile(model) {
  return [
    "import type { Day, DayLike } from '../day.js';",
    "import type { Instant, InstantLike } from '../instant.js';",
    "import type { IntLike } from '../writer.js';",
    '',
    '/** A message of any type, by its name. */',
    'export interface AnyValue {\n  typeUrl: string;\n  value: Uint8Array;\n}\n',
    '/** The fields to change; null clears one. */',
    'export type Masked<T> = { [K in keyof T]?: T[K] | null | undefined };\n',
    ...apiEnums(model).map(enumType),
    ...plainMessages(model).map((message) => messageTypes(model, message)),
  ].join('\n');
}
