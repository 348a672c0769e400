// How names of the protos are spelt in TypeScript.

export const camel = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());
export const lowerFirst = (name) => name[0].toLowerCase() + name.slice(1);

// The constant of an enum's value: TASK_STATUS_PENDING of TaskStatus is PENDING.
export function shortValue(type, value) {
  const prefix = `${type.name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()}_`;
  return value.name.startsWith(prefix) ? value.name.slice(prefix.length) : value.name;
}

export function docComment(text, indent = '') {
  if (!text) return '';
  const lines = wrap(text.replaceAll('*/', '*\\/'), 92 - indent.length);
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join('\n')}\n${indent} */\n`;
}

export function wrap(text, width) {
  const lines = [];
  text.split('\n\n').forEach((paragraph, i) => {
    if (i > 0) lines.push('');
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line && line.length + word.length + 1 > width) {
        lines.push(line);
        line = '';
      }
      line += (line ? ' ' : '') + word;
    }
    lines.push(line);
  });
  return lines;
}
