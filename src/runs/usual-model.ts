/**
 * A Run whose model nobody chose starts with the one of the settings as they are then, if PostHog offers it, at an effort
 * that this one takes.
 */
import { effortsOf, notAbove } from '../core/model/codex-task-run-create.ts'
import { RetryLater } from '../core/model/errors.ts'
import { second } from '../core/model/time.ts'
import { isModel } from '../core/model/views.ts'
import { openIntent } from '../core/record/intents.ts'
import { changed, type Run } from '../core/record/run.ts'
import { modelOf } from '../core/settings/layers.ts'
import { code } from '../core/text/safe-markdown.ts'
import type { RunContext } from './steps/step-context.ts'

const askedAgainAfter = 30 * second

/**
 * @returns nothing, unless the settings name another model by now, or it takes another effort
 * @throws RetryLater while PostHog does not offer it, as a run that is started would fail
 */
export async function withOfferedModel({ run, deps, github, posthog }: RunContext): Promise<Run | undefined> {
  const { options, usualModel } = run.request
  if (!usualModel || openIntent(run, 'start-run')) return undefined
  const known = await posthog.models()
  if (known.length === 0) return undefined
  const isOffered = known.some(isModel(options.model))
  const settings = isOffered ? undefined : (await deps.settings.of(github, run.thread)).settings
  const model = settings ? modelOf(settings, deps.usualModel) : options.model
  if (!isOffered && model === options.model) {
    const why = `PostHog does not offer the model ${code(model)}`
    throw new RetryLater('posthog', deps.now() + askedAgainAfter, 'setup', why)
  }
  const takes = known.find(isModel(model))?.efforts ?? effortsOf(model)
  const effort = options.effort && notAbove(options.effort, takes)
  if (model === options.model && effort === options.effort) return undefined
  return changed(run, { request: { ...run.request, options: { ...options, model, effort } } })
}
