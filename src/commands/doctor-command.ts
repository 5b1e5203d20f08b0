/** What has to be right for runs of this repository, each with what to do about it: the doctor of the terminal, for admins. */
import { found, passed } from '../core/model/check.ts'
import { command } from './command.ts'
import type { Reads } from './reads.ts'

export const doctorCommand = command({
  name: 'doctor',
  usage: '/codex doctor',
  example: '/codex doctor',
  about: 'Checks whether all is set up as this repository needs it, and says what to do about the rest.',
  least: 'admin',
  takes: 'nothing',
  options: false,

  async facts(reads: Pick<Reads, 'checks' | 'settings'>) {
    const [checks, { problem }] = await Promise.all([reads.checks(), reads.settings()])
    return { checks, problem }
  },

  decide({ trigger: { thread } }, { checks, problem }) {
    const settings =
      problem === undefined
        ? passed('repository-settings', 'all can be read')
        : found('repository-settings', problem, 'Mend the file on the default branch.')
    return {
      kind: 'reply',
      reply: { kind: 'doctor', repository: `${thread.owner}/${thread.repo}`, checks: [...checks, settings] },
    }
  },
})
