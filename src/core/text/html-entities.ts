const entities: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  '&amp;': '&',
}

export const withoutEntities = (text: string): string =>
  text.replace(/&(?:lt|gt|quot|#39|amp);/g, entity => entities[entity] ?? entity)
