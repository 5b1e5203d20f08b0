/** The commands of `gh` that an agent uses, answered by the emulated GitHub. It prints addresses as GitHub has them. */
import type { GitHubEmulator } from '../../emulators/github/github.ts'
import type { GhAnswer, GhCall, GitHubSide } from './checkout.ts'

const printed = (out: string): GhAnswer => ({ code: 0, out: `${out}\n` })
const failed: GhAnswer = { code: 1, out: '' }

export function gitHubSide(github: GitHubEmulator): GitHubSide {
  const { hands } = github
  return {
    defaultBranch: repository => hands.defaultBranch(repository),
    branches: repository => github.branches(repository),
    files: (branch, repository) => github.files(branch, repository),
    commit: (...given) => hands.commit(...given),
    gh: (repository, asked) => answer(github, repository, asked),
  }
}

async function answer(
  github: GitHubEmulator,
  repository: string,
  { args, branch }: GhCall,
): Promise<GhAnswer> {
  const [topic, verb, subject] = args
  const option = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)
  if (topic !== 'pr') return failed
  if (verb === 'create') {
    const { number } = await github.hands.openPull(repository, {
      head: option('--head') ?? branch,
      base: option('--base') ?? (await github.hands.defaultBranch(repository)),
      title: option('--title') ?? branch,
      body: option('--body') ?? '',
      draft: args.includes('--draft'),
    })
    return printed(`https://github.com/${repository}/pull/${number}`)
  }
  if (verb === 'list') {
    const pulls = (await github.pulls(repository)).filter(
      ({ head, state }) => head === option('--head') && state === 'open',
    )
    return printed(
      JSON.stringify(pulls.map(({ base }) => ({ baseRefName: base, isCrossRepository: false }))),
    )
  }
  const number = Number(/(\d+)$/.exec(subject ?? '')?.[1])
  if (verb !== 'view' || !number) return failed
  const pull = await github.pull(number, repository).catch(() => undefined)
  if (!pull) return failed
  const shown = {
    createdAt: new Date().toISOString(),
    author: { login: pull.author },
    headRefName: pull.head,
  }
  return printed(JSON.stringify({ ...shown, isCrossRepository: false }))
}
