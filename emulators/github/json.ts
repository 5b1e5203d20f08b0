/** Reading JSON whose shape nobody promised: missing parts become empty values instead of exceptions. */

export interface JsonObject {
  [key: string]: unknown
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function valueAt(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((inner, key) => (isObject(inner) ? inner[key] : undefined), value)
}

export function objectAt(value: unknown, ...path: string[]): JsonObject {
  const found = valueAt(value, ...path)
  return isObject(found) ? found : {}
}

export function textAt(value: unknown, ...path: string[]): string {
  const found = valueAt(value, ...path)
  return typeof found === 'string' ? found : ''
}

export function numberAt(value: unknown, ...path: string[]): number {
  const found = valueAt(value, ...path)
  return typeof found === 'number' ? found : Number(found ?? 0)
}

export function listAt(value: unknown, ...path: string[]): unknown[] {
  const found = valueAt(value, ...path)
  return Array.isArray(found) ? found : []
}

export function parseJson(raw: Buffer | string): unknown {
  try {
    return JSON.parse(raw.toString())
  } catch {
    return undefined
  }
}
