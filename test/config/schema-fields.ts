import { configJsonSchema } from '../../src/config/schema.ts';

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
}

/** Path of every field that a config may have, list indexes left out: `limit.usd`. */
export function schemaFields(): readonly string[] {
  return fieldsOf(configJsonSchema(), []);
}

function fieldsOf({ properties = {}, items }: JsonSchema, path: readonly string[]): readonly string[] {
  const children = Object.entries({ ...properties, ...items?.properties });
  const own = path.length === 0 ? [] : [path.join('.')];
  return [...own, ...children.flatMap(([key, child]) => fieldsOf(child, [...path, key]))];
}
