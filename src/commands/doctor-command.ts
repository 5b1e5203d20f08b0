/** `doctor` checks the setup for this repository and says how to mend it. */
import type { LayerNow } from '../access/read-settings.ts'
import { type Check, type CheckName, failedCheck, passedCheck } from '../core/model/check.ts'
import { replies } from '../core/words/replies.ts'
import { answerWith, command, type Reads } from './command.ts'

export const doctorCommand = command({
  name: 'doctor',
  usage: '/codex doctor',
  example: '/codex doctor',
  about: 'Checks the setup for this repository and says how to fix what is wrong.',
  least: 'admin',
  takes: 'nothing',
  options: false,

  async facts(reads: Pick<Reads, 'checks' | 'settings'>) {
    const [checks, { files }] = await Promise.all([reads.checks(), reads.settings()])
    return { checks, files }
  },

  decide({ trigger: { thread } }, { checks, files: { owner, repository } }) {
    const settings = [
      readAs('owner-settings', owner, 'the owner has no file that the App can read'),
      readAs('repository-settings', repository, 'no errors'),
    ]
    return answerWith(replies.doctor(`${thread.owner}/${thread.repo}`, [...checks, ...settings]))
  },
})

const readAs = (
  name: CheckName,
  { state, problem }: Pick<LayerNow, 'state' | 'problem'>,
  none: string,
): Check => {
  if (problem !== undefined)
    return failedCheck(name, problem, 'Correct the file on the default branch.')
  return passedCheck(name, state === 'none' ? none : 'no errors')
}
