/** Which models and efforts a server knows; older servers know fewer. */
export type ServerVersion = 'newest' | 'older'
export type Adapter = 'codex' | 'claude'

export const efforts = ['low', 'medium', 'high', 'xhigh', 'max'] as const
export const newestEfforts = [...efforts, 'ultracode'] as const

const codexModels = {
  older: ['gpt-5', 'gpt-5.5'],
  newest: ['gpt-5', 'gpt-5.5', 'gpt-5.6-sol', 'gpt-5.6-terra', 'gpt-5.6-luna'],
} as const

const claudeModels = ['claude-opus-4-8', 'claude-sonnet-4-6', 'claude-haiku-4-5'] as const

export function permissionModes(adapter: Adapter, version: ServerVersion): readonly string[] {
  if (adapter === 'claude') return ['default', 'acceptEdits', 'plan', 'bypassPermissions', 'auto']
  return version === 'newest'
    ? ['plan', 'auto', 'read-only', 'full-access']
    : ['auto', 'read-only', 'full-access']
}

export const allPermissionModes = [
  'default',
  'acceptEdits',
  'plan',
  'bypassPermissions',
  'auto',
  'read-only',
  'full-access',
] as const

const basic = ['low', 'medium', 'high'] as const
const claudeEfforts: Partial<Record<string, readonly string[]>> = {
  'claude-opus-4-8': newestEfforts,
  'claude-fable-5': newestEfforts,
  'claude-sonnet-4-6': basic,
  '@cf/zai-org/glm-5.2': ['high', 'max'],
}
/** A family each; older servers know the first by its exact name. */
const codexEfforts: readonly { family: string; takes: readonly string[] }[] = [
  { family: 'gpt-5.5', takes: [...basic, 'xhigh'] },
  { family: 'gpt-5.6', takes: efforts },
]

/** By family for Codex, in any case and without the vendor [R: `reasoning_efforts_for`]; by exact name for Claude. */
export function supportedEfforts(adapter: Adapter, model: string, version: ServerVersion): readonly string[] {
  if (adapter === 'claude') return (Object.hasOwn(claudeEfforts, model) && claudeEfforts[model]) || []
  const name = model
    .trim()
    .toLowerCase()
    .replace(/^openai\//, '')
  if (version === 'older') return name === 'gpt-5.5' ? [...basic, 'xhigh'] : basic
  return codexEfforts.find(({ family }) => name.startsWith(family))?.takes ?? basic
}

/** The server takes any model name; one the gateway lacks kills the run later. */
export function gatewayKnows(adapter: Adapter, model: string, version: ServerVersion): boolean {
  const names: readonly string[] = adapter === 'codex' ? codexModels[version] : claudeModels
  return names.includes(model.toLowerCase())
}

export function catalogue(version: ServerVersion) {
  const entry = (adapter: Adapter) => (model: string) => ({
    runtime_adapter: adapter,
    model,
    display_name: model.replace(/^gpt/, 'GPT'),
    supported_efforts: supportedEfforts(adapter, model, version),
  })
  return [...claudeModels.map(entry('claude')), ...codexModels[version].map(entry('codex'))]
}
