/** Fills `{{name}}` in a template with its value. Throws when a name has none: a file half filled in is never written. */
export function fillTemplate(template: string, values: Readonly<Record<string, string | number>>): string {
  return template.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined) throw new TypeError(`the template wants a value for ${name}`);
    return String(value);
  });
}
