/** Which models and efforts the server knows. Claude's are listed, and run by nobody here. */
export const efforts = ['low', 'medium', 'high', 'xhigh', 'max', 'ultracode'] as const

export const permissionModes = ['plan', 'auto', 'read-only', 'full-access'] as const
export const allPermissionModes = [
  ...permissionModes,
  'default',
  'acceptEdits',
  'bypassPermissions',
] as const

const codexModels = ['gpt-5', 'gpt-5.5', 'gpt-5.6-sol', 'gpt-5.6-terra', 'gpt-5.6-luna']
const basic = ['low', 'medium', 'high']
const beyondBasic = [
  { names: /^gpt-5\.5(?:-codex)?$/, takes: [...basic, 'xhigh'] },
  { names: /^gpt-5\.6-(?:sol|terra|luna)$/, takes: [...basic, 'xhigh', 'max'] },
]

/** By name, in any case and without the vendor [R: `reasoning_efforts_for`]. */
export function supportedEfforts(model: string): readonly string[] {
  const name = model
    .trim()
    .toLowerCase()
    .replace(/^openai\//, '')
  return beyondBasic.find(({ names }) => names.test(name))?.takes ?? basic
}

/** The server takes any model name; one the gateway lacks kills the run later. */
export const gatewayKnows = (model: string): boolean => codexModels.includes(model.toLowerCase())

/** As multiples of what the usual model costs. */
const costs: Readonly<Record<string, number>> = { 'gpt-5': 0.5, 'gpt-5.6-sol': 2 }

const entry = (runtime_adapter: string, model: string, supported_efforts: readonly string[]) => ({
  runtime_adapter,
  model,
  display_name: model.replace(/^gpt/, 'GPT'),
  supported_efforts,
  cost_multiplier: costs[model] ?? 1,
})

export const catalogue = [
  ...['claude-opus-4-8', 'claude-sonnet-4-6', 'claude-haiku-4-5'].map(name =>
    entry('claude', name, basic),
  ),
  ...codexModels.map(name => entry('codex', name, supportedEfforts(name))),
]
