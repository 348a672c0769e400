// Reads .proto files into plain objects: files, messages, enums and services with their comments
// and with Aquifer's options. protoc parses; what it answers is decoded here by the few tables below,
// so that generating needs no package.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Field number: [name, type]; a type of the tables, or how the wire's value is read. `[]` repeats.
const TABLES = {
  FileDescriptorSet: { 1: ['file', 'FileDescriptorProto[]'] },
  FileDescriptorProto: {
    1: ['name', 'string'],
    2: ['package', 'string'],
    4: ['messageType', 'DescriptorProto[]'],
    5: ['enumType', 'EnumDescriptorProto[]'],
    6: ['service', 'ServiceDescriptorProto[]'],
    9: ['sourceCodeInfo', 'SourceCodeInfo'],
  },
  DescriptorProto: {
    1: ['name', 'string'],
    2: ['field', 'FieldDescriptorProto[]'],
    3: ['nestedType', 'DescriptorProto[]'],
    7: ['options', 'MessageOptions'],
    8: ['oneofDecl', 'OneofDescriptorProto[]'],
  },
  MessageOptions: { 7: ['mapEntry', 'bool'] },
  FieldDescriptorProto: {
    1: ['name', 'string'],
    3: ['number', 'int'],
    4: ['label', 'int'],
    5: ['type', 'int'],
    6: ['typeName', 'string'],
    8: ['options', 'FieldOptions'],
    9: ['oneofIndex', 'int'],
    17: ['proto3Optional', 'bool'],
  },
  FieldOptions: { 50502: ['rules', 'FieldRules'] },
  FieldRules: {
    1: ['required', 'bool'],
    2: ['min', 'int'],
    3: ['max', 'int'],
    4: ['maxLength', 'int'],
    5: ['maxItems', 'int'],
    6: ['elements', 'int'],
    7: ['sensitive', 'bool'],
    8: ['maskOf', 'string'],
  },
  OneofDescriptorProto: { 1: ['name', 'string'], 2: ['options', 'OneofOptions'] },
  OneofOptions: { 50503: ['rules', 'OneofRules'] },
  OneofRules: { 1: ['required', 'bool'] },
  EnumDescriptorProto: { 1: ['name', 'string'], 2: ['value', 'EnumValueDescriptorProto[]'] },
  EnumValueDescriptorProto: { 1: ['name', 'string'], 2: ['number', 'int'] },
  ServiceDescriptorProto: { 1: ['name', 'string'], 2: ['method', 'MethodDescriptorProto[]'] },
  MethodDescriptorProto: {
    1: ['name', 'string'],
    2: ['inputType', 'string'],
    3: ['outputType', 'string'],
    4: ['options', 'MethodOptions'],
    5: ['clientStreaming', 'bool'],
    6: ['serverStreaming', 'bool'],
  },
  MethodOptions: { 50501: ['policy', 'MethodPolicy'] },
  MethodPolicy: {
    1: ['access', 'int'],
    2: ['transaction', 'int'],
    3: ['idempotence', 'int'],
    4: ['priority', 'int'],
    5: ['defaultDeadlineMs', 'int'],
  },
  SourceCodeInfo: { 1: ['location', 'Location[]'] },
  Location: { 1: ['path', 'ints'], 3: ['leadingComments', 'string'] },
};

// Names of FieldDescriptorProto.type.
const TYPES = {
  1: 'double',
  3: 'int64',
  5: 'int32',
  8: 'bool',
  9: 'string',
  11: 'message',
  12: 'bytes',
  14: 'enum',
};

function readVarint(bytes, at) {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    const byte = bytes[at.position++];
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return Number(BigInt.asIntN(64, value));
  }
}

function decode(bytes, table) {
  const message = {};
  for (const [name, type] of Object.values(TABLES[table]))
    if (type.endsWith('[]')) message[name] = [];
  const at = { position: 0 };
  while (at.position < bytes.length) {
    const tag = readVarint(bytes, at);
    const number = Math.floor(tag / 8);
    const wire = tag % 8;
    let value;
    if (wire === 0) value = readVarint(bytes, at);
    else if (wire === 2) {
      const length = readVarint(bytes, at);
      value = bytes.subarray(at.position, (at.position += length));
    } else value = bytes.subarray(at.position, (at.position += wire === 1 ? 8 : 4));
    const field = TABLES[table][number];
    if (field) put(message, field, value);
  }
  return message;
}

function put(message, [name, type], value) {
  if (type === 'int') message[name] = value;
  else if (type === 'bool') message[name] = value !== 0;
  else if (type === 'string') message[name] = value.toString('utf8');
  else if (type === 'ints') message[name] = packedInts(value);
  else if (type.endsWith('[]')) message[name].push(decode(value, type.slice(0, -2)));
  else message[name] = decode(value, type);
}

function packedInts(bytes) {
  const ints = [];
  const at = { position: 0 };
  while (at.position < bytes.length) ints.push(readVarint(bytes, at));
  return ints;
}

// A comment as one text: its paragraphs apart, the lines of each joined.
function commentText(raw) {
  return (raw ?? '')
    .split(/\n\s*\n/)
    .map((paragraph) =>
      paragraph
        .split('\n')
        .map((line) => line.trim())
        .join(' ')
        .trim(),
    )
    .filter((paragraph) => paragraph !== '')
    .join('\n\n');
}

function protoFiles(root, folder) {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.proto'))
    .sort()
    .map((name) => join(folder, name));
}

class Model {
  constructor() {
    // By full name, without the leading dot.
    this.messages = new Map();
    this.enums = new Map();
    this.services = [];
    // By path.
    this.fileComments = new Map();
  }

  add(file) {
    const comments = new Map();
    for (const { path = [], leadingComments } of file.sourceCodeInfo?.location ?? []) {
      if (leadingComments) comments.set(path.join('.'), commentText(leadingComments));
    }
    // The comment above `syntax` is the file's.
    this.fileComments.set(file.name, comments.get('12') ?? '');
    file.messageType.forEach((message, i) =>
      this.addMessage(message, file, comments, `4.${i}`, ''),
    );
    file.enumType.forEach((type, i) => {
      this.enums.set(`${file.package}.${type.name}`, {
        name: type.name,
        file: file.name,
        comment: comments.get(`5.${i}`) ?? '',
        values: type.value.map((value, j) => ({
          name: value.name,
          number: value.number ?? 0,
          comment: comments.get(`5.${i}.2.${j}`) ?? '',
        })),
      });
    });
    file.service.forEach((service, i) => {
      this.services.push({
        name: service.name,
        fullName: `${file.package}.${service.name}`,
        file: file.name,
        comment: comments.get(`6.${i}`) ?? '',
        methods: service.method.map((method, j) => ({
          name: method.name,
          comment: comments.get(`6.${i}.2.${j}`) ?? '',
          input: method.inputType.slice(1),
          output: method.outputType.slice(1),
          clientStreaming: method.clientStreaming ?? false,
          serverStreaming: method.serverStreaming ?? false,
          policy: method.options?.policy,
        })),
      });
    });
  }

  addMessage(message, file, comments, path, outer) {
    const name = outer + message.name;
    const fullName = `${file.package}.${outer ? outer.replace(/_$/, '.') : ''}${message.name}`;
    const oneofs = message.oneofDecl.map((oneof, i) => ({
      name: oneof.name,
      required: oneof.options?.rules?.required ?? false,
      comment: comments.get(`${path}.8.${i}`) ?? '',
    }));
    this.messages.set(fullName, {
      name,
      fullName,
      file: file.name,
      comment: comments.get(path) ?? '',
      isMapEntry: message.options?.mapEntry ?? false,
      oneofs,
      fields: message.field.map((field, i) => ({
        name: field.name,
        number: field.number,
        type: TYPES[field.type] ?? unknownType(fullName, field),
        typeName: field.typeName?.slice(1),
        repeated: field.label === 3,
        optional: field.proto3Optional ?? false,
        oneof:
          field.oneofIndex === undefined || field.proto3Optional
            ? undefined
            : oneofs[field.oneofIndex],
        rules: field.options?.rules ?? {},
        comment: comments.get(`${path}.2.${i}`) ?? '',
      })),
    });
    message.nestedType.forEach((nested, i) =>
      this.addMessage(nested, file, comments, `${path}.3.${i}`, `${name}_`),
    );
  }
}

function unknownType(message, field) {
  throw new Error(`${message}.${field.name}: no support for fields of type ${field.type} yet`);
}

// Loads the API below `root`, the folder that holds aquifer/v1.
export function loadModel(root) {
  const folder = mkdtempSync(join(tmpdir(), 'aquifer-protos-'));
  const set = join(folder, 'set');
  try {
    execFileSync('protoc', [
      `--proto_path=${root}`,
      '--include_imports',
      '--include_source_info',
      `--descriptor_set_out=${set}`,
      ...protoFiles(root, 'aquifer/v1'),
      ...protoFiles(root, 'google/rpc'),
    ]);
    return modelOf(readFileSync(set));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function modelOf(bytes) {
  const model = new Model();
  for (const file of decode(bytes, 'FileDescriptorSet').file) {
    // The well-known types are mapped by hand.
    if (!file.name.startsWith('google/protobuf/')) model.add(file);
  }
  return model;
}
