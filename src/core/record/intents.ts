/** Effects that have begun and whose results are not recorded. Pure. */
import type { ChangeOf, Intent, Run } from './run.ts'

type Attempting = { attempts: Pick<Run['attempts'], 'intent'> }
type IntentKind = Intent['kind']

export const openIntents = ({ attempts: { intent = [] } }: Attempting): readonly Intent[] => intent

export const openIntent = <Kind extends IntentKind>(
  run: Attempting,
  kind: Kind,
): Extract<Intent, { kind: Kind }> | undefined =>
  openIntents(run).find((each): each is Extract<Intent, { kind: Kind }> => each.kind === kind)

export const withIntent = (run: Attempting, intent: Intent): ChangeOf<'attempts'> => ({
  attempts: { intent: [...openIntents(run).filter(({ kind }) => kind !== intent.kind), intent] },
})

export function onlyIntents(run: Attempting, kept: (kind: IntentKind) => boolean): ChangeOf<'attempts'> {
  const left = openIntents(run).filter(({ kind }) => kept(kind))
  return { attempts: { intent: left.length === 0 ? undefined : left } }
}

const beginAgent: ReadonlySet<IntentKind> = new Set(['start-run', 'rejoin'])

/** After a crash, such an intent may have started an agent that the record does not know. */
export const beginsAgent = (kind: IntentKind): boolean => beginAgent.has(kind)

export const mayHaveBegun = (run: Attempting): boolean =>
  openIntents(run).some(({ kind }) => beginsAgent(kind))
