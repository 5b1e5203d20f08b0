/** What the coding agent does on GitHub, as another App's bot with write access. */

import type { AgentHands } from '../posthog/hands.ts'
import { type Api, commitTo, must, tipOf } from './git.ts'
import { numberAt, textAt } from './json.ts'

export function agentHands(api: Api, repositories: () => string[]): AgentHands {
  return {
    repositories,
    branchExists: async (repository, branch) =>
      (await tipOf(api, repository, branch)) !== undefined,
    openPullFor: async (repository, headBranch) => {
      const head = encodeURIComponent(`${await ownerOf(api, repository)}:${headBranch}`)
      const open = await must(api, 'GET', `/repos/${repository}/pulls?state=open&head=${head}`)
      const [first] = Array.isArray(open) ? open : []
      if (!first) return undefined
      return {
        number: numberAt(first, 'number'),
        base: textAt(first, 'base', 'ref'),
        url: textAt(first, 'html_url'),
      }
    },
    defaultBranch: async repository =>
      textAt(await must(api, 'GET', `/repos/${repository}`), 'default_branch'),
    commit: (repository, branch, from, files, message, anew) =>
      commitTo(api, { repository, branch, from, files, message, anew }),
    openPull: async (repository, pull) => {
      const made = await must(api, 'POST', `/repos/${repository}/pulls`, pull)
      return { number: numberAt(made, 'number'), url: textAt(made, 'html_url') }
    },
  }
}

/** In its canonical spelling: the filter by head minds the case. */
async function ownerOf(api: Api, repository: string): Promise<string> {
  return textAt(await must(api, 'GET', `/repos/${repository}`), 'owner', 'login')
}
