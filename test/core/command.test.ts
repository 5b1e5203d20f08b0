import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { commands, parseCommands } from '../../src/commands/command-registry.ts'
import { findCommands, mayHoldCommand } from '../../src/core/command/find.ts'
import { flagOf, infoOf, optionNames } from '../../src/core/command/options.ts'
import { isMistake, newCommands, type Parsed } from '../../src/core/command/parse.ts'
import { pastedText } from '../support/markdown-pieces.ts'
import { seen } from '../support/pages.ts'
import { spentOn } from '../support/thread-time.ts'
import { someOf, tries } from '../support/tries.ts'

/** A command as one short line: `stop`, `run --effort high --new | words`, `? unknown-option modle → model`. */
function brief(parsed: Parsed): string {
  if (isMistake(parsed)) {
    const { kind: mistake, ...rest } = parsed
    return `? ${mistake} ${Object.values(rest).join(' → ')}`.trimEnd()
  }
  const { name, options: given, text } = parsed.command
  const flags = optionNames
    .filter(name => given[name] !== undefined)
    .map(name => (infoOf(name).takes.kind === 'nothing' ? flagOf(name) : `${flagOf(name)} ${given[name]}`))
  return `${[name, ...flags].join(' ')}${text === '' ? '' : ` | ${text}`}`
}

const read = (text: string): string[] => parseCommands(seen(text)).map(brief)

type Table = readonly (readonly [text: string, ...expected: string[]])[]

const holds = (table: Table): void => {
  test.each(table.map(([text, ...expected]) => ({ text, expected })))('$text', ({ text, expected }) => {
    expect(read(text)).toEqual(expected)
  })
}

describe('an instruction', () => {
  holds([
    ['/codex', 'run'],
    ['/codex fix the flaky login test', 'run | fix the flaky login test'],
    ['/CODEX Fix it', 'run | Fix it'],
    ['/codex: fix it', 'run | fix it'],
    ['/codex, fix it', 'run | fix it'],
    ['/codex\tfix it', 'run | fix it'],
    ['/codex   fix  it  ', 'run | fix it'],
    ['   /codex fix it', 'run | fix it'],
    [
      '/codex fix it\nIt fails in `a.ts`:\n\n```\nboom\n```',
      'run | fix it\nIt fails in `a.ts`:\n\n```\nboom\n```',
    ],
    ['/codex\n\nfix it', 'run | fix it'],
    ['/codex fix it\r\nsoon\r\n', 'run | fix it\nsoon'],
    ['Thanks.\r\n/codex fix it', 'run | fix it'],
    ['Thanks.\r/codex fix it', 'run | fix it'],
    ['/codex run the tests', 'run | run the tests'],
    ['/codex run', 'run | run'],
    ['/codex 修复登录测试 🚀', 'run | 修复登录测试 🚀'],
    ['/codex `a.ts` is wrong', 'run | `a.ts` is wrong'],
    ['/codex fix -- all of it', 'run | fix -- all of it'],
    ['/codex -- stop', 'run | stop'],
    ['/codex -- --model is ignored', 'run | --model is ignored'],
    ['/codex --', 'run'],
    ['/codex -', 'run | -'],
    ['/codex constructor', 'run | constructor'],
  ])
})

describe('an instruction as keyboards write it', () => {
  holds([
    ['/codex：修复登录', 'run | 修复登录'],
    ['/codex，修复登录', 'run | 修复登录'],
    ['/codex、直して', 'run | 直して'],
    ['/codex。', 'run'],
    ['/codex！', 'run'],
    ['/codexログインを直して', 'run | ログインを直して'],
    ['/codex로그인 고쳐 줘', 'run | 로그인 고쳐 줘'],
    ['/codexแก้บั๊ก', 'run | แก้บั๊ก'],
    ['/codex\u3000修复', 'run | 修复'],
    ['/codex. Fix it', 'run | Fix it'],
    ['/codex...', 'run'],
    ['/codex… fix it', 'run | fix it'],
    ['/codex!', 'run'],
    ['/codex; fix it', 'run | fix it'],
    ['/codex🚀 fix it', 'run | 🚀 fix it'],
    ['/codex“fix it”', 'run | “fix it”'],
    ['/codex?', 'help'],
    ['/codex ?', 'help'],
    ['/codex？', 'help'],
    ['/codex? Can you fix it', 'run | ? Can you fix it'],
    ['\u00a0/codex fix it', 'run | fix it'],
    ['\u00a0\u00a0 \u00a0 /codex fix it', 'run | fix it'],
    ['\u3000/codex fix it', 'run | fix it'],
    ['\ufeff/codex fix it', 'run | fix it'],
    ['\ufeff\r\n/codex fix it', 'run | fix it'],
    ['\u200b/codex fix it', 'run | fix it'],
    ['\u200e/codex fix it', 'run | fix it'],
    ['\u200f/codex fix it', 'run | fix it'],
    ['\u2060 /codex fix it', 'run | fix it'],
    ['Words\n\u200f/codex fix it', 'run | fix it'],
    ['/codex\u200b fix it', 'run | fix it'],
    ['/codex\u00a0fix it', 'run | fix it'],
    ['/codex\ufe0f fix it', 'run | fix it'],
    ['/codex stop！', 'stop'],
    ['/codex: stop.', 'stop'],
  ])

  holds([
    ['/codex/readme'],
    ['/codex/'],
    ['/codex-cli is slow'],
    ['/codex‑cli is slow'],
    ['/codex_cli'],
    ['/codex2'],
    ['/codexé'],
    ['/codexисправь'],
    ['/codex.yml.'],
    ["/codex's answer"],
    ['/codex’s answer'],
    ['/codex) is'],
    ['/codex" is'],
    ['/codex\u200bes'],
    ['/codex／readme'],
    ['/code\u212a'],
    ['\u202e/codex fix it'],
    ['\u2067/codex fix it'],
    ['    \u00a0/codex fix it'],
    ['    \u200b/codex fix it'],
    ['> \u00a0/codex fix it'],
  ])
})

describe('a command of the table', () => {
  holds([
    ['/codex stop', 'stop'],
    ['/codex stop.', 'stop'],
    ['/codex stop!', 'stop'],
    ['/codex stop, please!', 'stop'],
    ['/codex stop the run', 'stop'],
    ['/codex stop 🙏', 'stop'],
    ['/codex stop it now, thanks', 'stop'],
    ['/codex stop\nIt goes the wrong way.', 'stop'],
    ['/codex cancel', 'stop'],
    ['/codex Cancel this', 'stop'],
    ['/codex stop the retry loop from spinning', 'run | stop the retry loop from spinning'],
    ['/codex stop using lodash', 'run | stop using lodash'],
    ['/codex retry', 'retry'],
    ['/codex retry --effort high', 'retry --effort high'],
    ['/codex retry —effort high', 'retry --effort high'],
    ['/codex retry --model gpt-5.6 --new', 'retry --model gpt-5.6 --new'],
    ['/codex retry failed requests with a backoff', 'run | retry failed requests with a backoff'],
    ['/codex status', 'status'],
    ['/codex status codes are wrong', 'run | status codes are wrong'],
    ['/codex config', 'config'],
    ['/codex doctor', 'doctor'],
    ['/codex help', 'help'],
    ['/codex approve', 'approve'],
    ['/codex approve only signed commits in the hook', 'run | approve only signed commits in the hook'],
    ['/codex plan', 'plan'],
    ['/codex plan how to split billing', 'plan | how to split billing'],
    ['/codex plan: how to split billing', 'plan | how to split billing'],
    ['/codex plan --effort high how to split billing', 'plan --effort high | how to split billing'],
    ['/codex plan\n\nhow to split billing', 'plan | how to split billing'],
    ['/codex continue', 'continue'],
    ['/codex continue with the tests', 'continue | with the tests'],
  ])

  test.each(commands)('the example of $name is that command', ({ name, example, usage }) => {
    const [first, ...others] = parseCommands(seen(example))
    expect(others).toEqual([])
    expect(first && !isMistake(first) ? first.command.name : first).toBe(name)
    expect(usage.startsWith('/codex')).toBe(true)
  })

  const aliases = commands.flatMap(({ name, aliases = [] }) => aliases.map(alias => ({ alias, name })))
  test.each(aliases)('$alias is $name', ({ alias, name }) => {
    expect(read(`/codex ${alias}`)).toEqual([name])
  })
})

describe('options', () => {
  holds([
    ['/codex --effort high fix it', 'run --effort high | fix it'],
    ['/codex --effort=high fix it', 'run --effort high | fix it'],
    ['/codex --Effort HIGH fix it', 'run --effort high | fix it'],
    ['/codex --model gpt-5.6 --effort max fix it', 'run --model gpt-5.6 --effort max | fix it'],
    ['/codex --model "gpt 5.6" fix it', 'run --model gpt 5.6 | fix it'],
    ['/codex --model “gpt 5.6” fix it', 'run --model gpt 5.6 | fix it'],
    ['/codex --model="gpt 5.6" fix it', 'run --model gpt 5.6 | fix it'],
    ['/codex --branch release/2.x fix it', 'run --branch release/2.x | fix it'],
    ['/codex --new fix it', 'run --new | fix it'],
    ['/codex —effort high fix it', 'run --effort high | fix it'],
    ['/codex –effort high fix it', 'run --effort high | fix it'],
    ['/codex --effort high -- --new is a word here', 'run --effort high | --new is a word here'],
    ['/codex --effort high\nfix it', 'run --effort high | fix it'],
    ['/codex fix the --effort option', 'run | fix the --effort option'],
    ['/codex—effort high fix it', 'run --effort high | fix it'],
    ['/codex −−effort high fix it', 'run --effort high | fix it'],
    ['/codex--effort high fix it', 'run --effort high | fix it'],
    ['/codex: --effort high fix it', 'run --effort high | fix it'],
    ['/codex -effort high fix it', 'run --effort high | fix it'],
    ['/codex -effort=high -new fix it', 'run --effort high --new | fix it'],
    ['/codex -1 on the offset', 'run | -1 on the offset'],
    ['/codex -v prints nothing', 'run | -v prints nothing'],
    ['/codex fix it\n--effort high', 'run --effort high | fix it'],
    ['/codex fix it\r\n--effort high\r\nsoon', 'run --effort high | fix it\nsoon'],
    ['/codex fix it\n—effort high', 'run --effort high | fix it'],
    ['/codex fix it\n\n--effort high --new\n', 'run --effort high --new | fix it'],
    ['/codex fix it\n--effort high\n--model gpt-5.6', 'run --model gpt-5.6 --effort high | fix it'],
    ['/codex\n--effort high\nfix it', 'run --effort high | fix it'],
    ['/codex\n--effort high fix it\n--new', 'run --effort high --new | fix it'],
    ['/codex --new\n--effort high\n\nfix it', 'run --effort high --new | fix it'],
    ['/codex retry\n--effort high', 'retry --effort high'],
    ['/codex plan\n--effort high\nhow to', 'plan --effort high | how to'],
    ['/codex fix it\n--effort is ignored', '? bad-value effort → is →'],
    ['/codex document it\n--branch is ignored', 'run | document it\n--branch is ignored'],
    ['/codex add the flags\n--watch\n--new', 'run | add the flags\n--watch\n--new'],
    ['/codex fix it --\n--effort high', 'run --effort high | fix it --'],
    ['/codex --\n--effort high', 'run | --effort high'],
    ['/codex fix it\n```\n--effort high\n```', 'run | fix it\n\n```\n--effort high\n```'],
    ['/codex stop\n--watch is broken', 'stop'],
    ['/codex --dry-run plan how to split billing', 'plan --dry-run | how to split billing'],
    ['/codex --effort high plan --new how', 'plan --effort high --new | how'],
    ['/codex --dry-run stop', 'stop --dry-run'],
    ['/codex --effort high retry', 'retry --effort high'],
    ['/codex --new stop using lodash', 'run --new | stop using lodash'],
    ['/codex --new -- plan the release', 'run --new | plan the release'],
  ])
})

describe('options at the end', () => {
  holds([
    ['/codex fix the flaky test --dry-run', 'run --dry-run | fix the flaky test'],
    ['/codex fix --force', 'run --force | fix'],
    ['/codex fix it --effort high', 'run --effort high | fix it'],
    ['/codex fix it --effort=HIGH --new', 'run --effort high --new | fix it'],
    ['/codex fix it --model "gpt 5.6"', 'run --model gpt 5.6 | fix it'],
    ['/codex fix it —dry-run', 'run --dry-run | fix it'],
    ['/codex fix it -dry-run', 'run --dry-run | fix it'],
    ['/codex fix it --DRY-RUN', 'run --dry-run | fix it'],
    ['/codex --new fix it --effort low', 'run --effort low --new | fix it'],
    ['/codex fix it --dry-run.', 'run --dry-run | fix it'],
    ['/codex fix it --dry-run please', 'run --dry-run | fix it'],
    ['/codex fix it --dry-run, thanks 🙏', 'run --dry-run | fix it'],
    ['/codex fix it --effort high please', 'run --effort high | fix it'],
    ['/codex fix it --dry-run=true', 'run --dry-run | fix it'],
    ['/codex fix it --new=false', 'run | fix it'],
    ['/codex --dry-run=true fix it', 'run --dry-run | fix it'],
    ['/codex --force="true" fix it', 'run --force | fix it'],
    ['/codex --new=false stop', 'stop'],
    ['/codex plan how to --effort high', 'plan --effort high | how to'],
    ['/codex stop it --dry-run', 'stop --dry-run'],
    ['/codex stop it, please --dry-run', 'stop --dry-run'],
    ['/codex retry please --effort high', 'retry --effort high'],
    ['/codex status? --dry-run', 'status --dry-run'],
    ['/codex fix it --new\n--effort high', 'run --effort high --new | fix it'],
    ['/codex fix it\nsoon\n--effort high', 'run --effort high | fix it\nsoon'],
    ['/codex fix it\nsoon\n\n--effort high\n--new', 'run --effort high --new | fix it\nsoon'],
    ['/codex stop\nIt spins.\n--dry-run', 'stop --dry-run'],
    [
      '/codex fix the server that got --force behind a dash - --new',
      'run --new | fix the server that got --force behind a dash -',
    ],
  ])
})

describe('words that speak of options', () => {
  holds([
    ['/codex make --dry-run print what it would do', 'run | make --dry-run print what it would do'],
    ['/codex rename --force to --yes', 'run | rename --force to --yes'],
    ['/codex fix the --new', 'run | fix the --new'],
    ['/codex fix the --model option', 'run | fix the --model option'],
    ['/codex document --branch flags', 'run | document --branch flags'],
    ['/codex document the flag `--force`', 'run | document the flag `--force`'],
    ['/codex document "--force"', 'run | document "--force"'],
    ['/codex -- document --force', 'run | document --force'],
    ['/codex --new -- document --force', 'run --new | document --force'],
    ['/codex plan -- how to --force', 'plan | how to --force'],
    ['/codex run npm test -- --new', 'run | run npm test -- --new'],
    ['/codex support --watch', 'run | support --watch'],
    ['/codex let it run with --node', 'run | let it run with --node'],
    ['/codex list them with ls -neu', 'run | list them with ls -neu'],
    ['/codex add the flags\n--watch\n--new', 'run | add the flags\n--watch\n--new'],
    ['/codex fix this\ngit push --force', 'run | fix this\ngit push --force'],
    ['/codex -- fix\nsoon\n--new', 'run | fix\nsoon\n--new'],
    ['/codex fix a--new', 'run | fix a--new'],
  ])
})

describe('a first word that is a slip of a command', () => {
  const slips = {
    plan: 'pln paln plna plann olan lpan plam',
    review: 'reveiw reivew revew reviw rewiew revieuw teview reviev',
    approve: 'aprove approv appove aprrove aprov apporve',
    continue: 'contiune contine cotinue conitnue contnue contniue contineu',
    retry: 'rety rerty retyr rettry tetry',
    stop: 'sotp stpo stp stoo sstop',
    cancel: 'canel cancle cacnel cansel',
    status: 'staus statsu stauts satus statis',
    queue: 'qeue queu queeu quue',
    config: 'confg cofnig conifg confif',
    pause: 'puase pasue paus pauze',
    resume: 'reusme resme rezume resum',
    doctor: 'docter doctr dcotor',
    help: 'hlep hepl halp hekp',
  }
  const all = Object.entries(slips).flatMap(([name, words]) =>
    words.split(' ').map(slip => [slip, name] as const),
  )
  const meant = (name: string) =>
    new Map([
      ['cancel', 'stop'],
      ['queue', 'status'],
    ]).get(name) ?? name
  test.each(all)('%s is told, alone and before words: %s', (slip, name) => {
    expect(read(`/codex ${slip}`)).toEqual([`? unknown-command ${slip} → ${meant(name)}`])
    expect(read(`/codex ${slip} the locking`)).toEqual([`? unknown-command ${slip} → ${meant(name)}`])
    expect(read(`/codex -- ${slip} the locking`)).toEqual([`run | ${slip} the locking`])
  })

  const first =
    'a about accept access across adapt add address adjust after align all allow already also always amend an analyse analyze and announce answer any append apply approach arrange as ask assert assign assume at attach audit author auto avoid back backport bail balance base batch be because before begin benchmark bind block boost both branch break bring broken browse bug build bump bundle but button by cache calculate call can cap capitalise catch cause center change check choose clamp clarify class clean cleanup clear click clone close collapse collect combine comment commit compare compile complete compress compute config-file configure configuring confirm connect consider consolidate contact contain container contents contribute convert copy correct could count cover crash create css cut dark date deal debounce debug decide decouple dedupe default defer define delete deploy deprecate describe design detect did diff disable discard discuss display do docker docs document does done dont downgrade draft draw drop each edit either eliminate email embed empty enable encode end enforce enhance ensure entry error escape evaluate every examine exclude expand explain explore export expose extend extract fail fallback fetch figure file fill filter finalise find finish first fix fixed fixes flag flaky flatten fold follow for force fork format forward from function further generate get give go grab group guard handle handler hash have heading headings health heat hello helper hey hide highlight hook hover how however html i if ignore implement import improve in include increase indent index inform init inline input insert inspect install instead integrate introduce investigate invert is issue it iterate its join js just keep kill label land lazy leave let level lift limit link lint list load localise lock log look loop lower make manage map mark match maybe measure memoise mention merge migrate minify mock modify monitor more move multiple my name need never new next no normalise not note notify now of offer ok on once only open optimise optimize or order our output override pack package pad page paginate parallelise parse parser pass paste patch path perform persist phase pick pin ping pipe place plain plan-b planet plant plants play please plot plug point polish poll poor port post praise prefer prepare preserve press pretty prevent preview print prioritise probably profile program propagate propose protect prove provide prune publish pull pulse purge push put python queries query question quick quote raise rate read rearrange rebase rebuild recreate redesign redirect redo reduce refactor refine refresh regenerate register reindent reinstall reject relax release reload remove rename render reorder repair repeat replace reply report reproduce request require rescue research reset resize resolve respect respond restart restore restrict restructure result retain retest retire retro return reuse revert revise rework rewrite right rollback rotate round route run rust safari sanitise save say scale scan schema scroll search secure see select send separate serialise set setup several share shop shorten should show shrink sign simplify since site skip slow smoke snapshot so solve some somebody something sort sorting speed spell split squash stabilise stack stage standardise start state statement states static stats step steps still stopping stops store story stream strict string strip style sub suggest summarise supply support suppress swap switch sync table take tell temporarily test tests than that the then there these they this those throttle throw tidy time to toggle top touch trace track transform translate travis trim try tune turn type typo unify uninstall unit unlock unskip until up update upgrade upload use user validate verify version view wait want warn watch we what when where which while who why will wire with work would wrap write yes you your zoom'.split(
      ' ',
    )
  test.each(someOf(first, first.length))('%s is an instruction, however close it comes', word => {
    expect(read(`/codex ${word} the login page`)).toEqual([`run | ${word} the login page`])
  })

  holds([
    ['/codex reveiw: the locking', '? unknown-command reveiw → review'],
    ['/codex Reveiw the locking', '? unknown-command Reveiw → review'],
    ['/codex aprove the plan', '? unknown-command aprove → approve'],
    ['/codex sotp please', '? unknown-command sotp → stop'],
    ['/codex --new pln how', '? unknown-command pln → plan'],
    ['/codex pln how --dry-run', '? unknown-command pln → plan'],
    ['/codex queue', '? unknown-command queue → status'],
    ['/codex Queue please', '? unknown-command Queue → status'],
    ['/codex queue? --dry-run', '? unknown-command queue → status'],
    ['/codex queue the jobs in Redis', 'run | queue the jobs in Redis'],
    ['/codex -- queue', 'run | queue'],
    ['/codex status?', 'status'],
    ['/codex status??', 'status'],
    ['/codex stop?!', 'stop'],
    ['/codex status？', 'status'],
    ['/codex status ?', 'status'],
    ['/codex help?', 'help'],
    ['/codex plan.md is wrong', 'run | plan.md is wrong'],
  ])
})

describe('a mistake', () => {
  holds([
    ['/codex fix it --dryrun', '? unknown-option dryrun → dry-run'],
    ['/codex fix it --dry_run', '? unknown-option dry_run → dry-run'],
    ['/codex fix it --froce', '? unknown-option froce → force'],
    ['/codex fix it\n--dryrun', '? unknown-option dryrun → dry-run'],
    ['/codex fix it --effort hihg', '? bad-value effort → hihg → high'],
    ['/codex fix it --effort', '? missing-value effort'],
    ['/codex fix it --model=', '? missing-value model'],
    ['/codex --new fix it --new', '? option-twice new'],
    ['/codex fix it --new --new', '? option-twice new'],
    ['/codex fix it --new\n--new', '? option-twice new'],
    ['/codex stop it --effort high', '? no-options-here stop'],
    ['/codex --dry-run=maybe fix it', '? bad-value dryRun → maybe →'],
    ['/codex fix it --force=perhaps', '? bad-value force → perhaps →'],
  ])

  holds([
    ['/codex --modle gpt-5.6 fix it', '? unknown-option modle → model'],
    ['/codex --colour red fix it', '? unknown-option colour →'],
    ['/codex\n--modle gpt-5.6\nfix it', '? unknown-option modle → model'],
    ['/codex fix it\n--effort hihg', '? bad-value effort → hihg → high'],
    ['/codex --new fix it\n--new', '? option-twice new'],
    ['/codex stop\n--effort high', '? no-options-here stop'],
    ['/codex—fix it', '? unknown-option fix →'],
    ['/codex --__proto__ x', '? unknown-option proto →'],
    ['/codex --constructor x', '? unknown-option constructor →'],
    ['/codex --effort', '? missing-value effort'],
    ['/codex --effort=', '? missing-value effort'],
    ['/codex --effort --new fix it', '? missing-value effort'],
    ['/codex --branch "" fix it', '? missing-value branch'],
    ['/codex --effort hihg fix it', '? bad-value effort → hihg → high'],
    ['/codex --effort enormous fix it', '? bad-value effort → enormous →'],
    ['/codex --effort high --effort low fix it', '? option-twice effort'],
    ['/codex --new --new', '? option-twice new'],
    ['/codex --effort high stop', '? no-options-here stop'],
    ['/codex --new sotp', '? unknown-command sotp → stop'],
    ['/codex --new plan --new how', '? option-twice new'],
    ['/codex status --modle x', '? unknown-option modle → model'],
    ['/codex sotp', '? unknown-command sotp → stop'],
    ['/codex canel', '? unknown-command canel → stop'],
    ['/codex shop', '? unknown-command shop → stop'],
    ['/codex deploy', 'run | deploy'],
  ])
})

describe('several commands in one comment', () => {
  holds([
    ['/codex stop\n/codex retry --effort high', 'stop', 'retry --effort high'],
    ['/codex fix it\nwith care\n\n/codex status', 'run | fix it\nwith care', 'status'],
    ['/codex fix it\n/codex fix it', 'run | fix it'],
    [
      Array.from({ length: 12 }, (_, n) => `/codex do ${n}`).join('\n'),
      ...Array.from({ length: 10 }, (_, n) => `run | do ${n}`),
      '? too-many 10',
    ],
    ['/codex sotp\n/codex help', '? unknown-command sotp → stop', 'help'],
    ['/codex fix it\n```\n/codex stop\n```\n\nthanks', 'run | fix it\n\n```\n/codex stop\n```\n\nthanks'],
  ])
})

describe('an edit asks', () => {
  const asks = (before: string, after: string): string[] =>
    newCommands(parseCommands(seen(before)), parseCommands(seen(after))).map(brief)

  test.each<[what: string, before: string, after: string, ...expected: string[]]>([
    ['what was not there', 'Hello.', '/codex fix it', 'run | fix it'],
    ['nothing for what was there', '/codex fix it', 'Hello.\n\n/codex fix it'],
    ['nothing for another line below', '/codex fix it\nsoon', '/codex fix it\nat once'],
    ['nothing for other words below a bare command', '/codex\nfix it', '/codex\nfix that'],
    ['nothing for what went', '/codex fix it\n/codex status', '/codex status'],
    ['another line', '/codex fix it', '/codex fix that', 'run | fix that'],
    [
      'a second one with the same line',
      '/codex fix it\nin a',
      '/codex fix it\nin b\n/codex fix it\nin a',
      'run | fix it\nin b',
    ],
    ['what was a mistake', '/codex\n--effort hihg', '/codex\n--effort high', 'run --effort high'],
    ['nothing for the same mistake', '/codex --effort hihg', 'x\n\n/codex --effort hihg'],
    ['one that was added', '/codex fix it', '/codex fix it\n/codex stop', 'stop'],
  ])('%s', (_, before, after, ...expected) => {
    expect(asks(before, after)).toEqual(expected)
  })
})

describe('where a line is', () => {
  holds([
    ['/codexfix it'],
    ['/codex.fix it'],
    ['//codex fix it'],
    ['\\/codex fix it'],
    ['please /codex fix it'],
    ['`/codex fix it`'],
    ['a `b\n/codex fix it\nc` d'],
    ['    /codex fix it'],
    ['\t/codex fix it'],
    ['```\n/codex fix it\n```'],
    ['```\n/codex fix it'],
    ['````md\n```\n/codex fix it\n```\n````'],
    ['~~~\n/codex fix it\n~~~'],
    ['> /codex fix it'],
    ['> quoted\n/codex fix it'],
    ['> ```\n> /codex fix it\n> ```'],
    ['On Monday maya wrote:\n> /codex fix it\n> soon'],
    ['<!-- /codex fix it -->'],
    ['<!--\n/codex fix it\n-->'],
    ['<!--\n/codex fix it'],
    ['words <!--\n/codex fix it\n--> words'],
    ['<details>\n/codex fix it\n</details>'],
    ['<pre>\n/codex fix it\n</pre>'],
    ['<pre>\n\n/codex fix it\n\n</pre>'],
    ['<div\n/codex>'],
    ['[/codex fix it](https://example.org)'],
    ['[words\n/codex fix it\nwords](https://example.org)'],
    ['![words\n/codex fix it\nwords](https://example.org/a.png)'],
    ['[a]: https://example.org\n"\n/codex fix it\n"'],
    ['[words\n/codex fix it][a]\n\n[a]: https://example.org'],
    ['[^1]: words\n/codex fix it\n\nsee[^1]'],
    ['- ```\n  /codex fix it\n  ```'],
    ['- > /codex fix it'],
    ['| /codex fix it |'],
    ['- /codex fix it'],
    ['1. /codex fix it'],
    ['# /codex fix it'],
    ['**/codex fix it**'],
    ['／codex fix it'],
    [''],
  ])

  holds([
    ['> quoted\n\n/codex fix it', 'run | fix it'],
    ['```\ncode\n```\n/codex fix it', 'run | fix it'],
    ['<!-- note -->\n\n/codex fix it', 'run | fix it'],
    ['<details>\n\n/codex fix it\n</details>'],
    ['Words\n/codex fix it', 'run | fix it'],
    ['- a list\n\n/codex fix it', 'run | fix it'],
    ['*Words\n/codex fix it*'],
    ['# Title\n/codex fix it', 'run | fix it'],
    ['a | b\n\n/codex fix it', 'run | fix it'],
    ['[x] done\n/codex fix it', 'run | fix it'],
    ['`a` words\n/codex fix `b`', 'run | fix `b`'],
    ['unclosed ` tick\n/codex fix it', 'run | fix it'],
    ['unclosed [ bracket\n/codex fix it', 'run | fix it'],
    ['\ufeff\n/codex fix it', 'run | fix it'],
    ['/codex fix it\n> quoted', 'run | fix it\n\n> quoted'],
  ])
})

const markdown = pastedText(40)

describe('for any text', () => {
  test('parsing is total: it gives commands and mistakes, and the cheap test is never wrong in the negative', () => {
    fc.assert(
      fc.property(fc.oneof(markdown, fc.string({ unit: 'binary', maxLength: 200 })), text => {
        const parsed = parseCommands(seen(text))
        if (parsed.length > 0) expect(mayHoldCommand(text)).toBe(true)
        for (const one of parsed) expect(brief(one)).toEqual(expect.any(String))
      }),
      { numRuns: tries(2_000) },
    )
  })

  test('any words after /codex give exactly one command or mistake', () => {
    const words = fc
      .oneof(markdown, fc.string({ unit: 'grapheme', maxLength: 60 }))
      .map(text => text.replace(/[\r\n]/g, ' '))
    fc.assert(
      fc.property(words, line => {
        expect(
          findCommands(seen(`Hello.\n\n/codex ${line.replace(/[`<[\]>.@]/g, '')}`)).commands,
        ).toHaveLength(1)
      }),
      { numRuns: tries(1_000) },
    )
  })

  const word = fc.constantFrom(
    ...'the tests are slow and login fails sometimes it does. see this, café 修复'.split(' '),
  )
  const sentence = fc.array(word, { minLength: 1, maxLength: 8 }).map(words => `x${words.join(' ')}`)
  const paragraph = fc.array(sentence, { minLength: 1, maxLength: 3 }).map(lines => lines.join('\n'))
  const paragraphs = fc.array(paragraph, { maxLength: 4 })

  test('a command line after plain paragraphs fires, whether or not a blank line stands between', () => {
    fc.assert(
      fc.property(paragraphs, fc.constantFrom('\n', '\n\n', '\r\n'), sentence, (before, gap, words) => {
        const text = [...before, `/codex ${words}`].join(gap)
        expect(read(text)).toEqual([`run | ${words}`])
      }),
      { numRuns: tries(500) },
    )
  })

  type Wrap = (inner: string) => string
  const indent =
    (by: string): Wrap =>
    inner =>
      inner.replace(/^/gm, by)
  /** Each makes of a text somebody else's words. Their blank lines keep the blocks apart. */
  const quotes: readonly Wrap[] = [
    indent('> '),
    indent('>'),
    inner => `\`\`\`\`\`\`\n${inner}\n\`\`\`\`\`\``,
    inner => `~~~~~~text\n${inner}\n~~~~~~`,
    inner => `<!--\n${inner.replaceAll('-->', '')}\n-->`,
    inner => `<pre>\n${inner.replace(/<\/pre>/gi, '')}\n</pre>`,
    indent('    '),
  ]
  const around: readonly Wrap[] = [
    inner => inner,
    indent('> '),
    inner => `- a\n\n${indent('  ')(inner)}`,
    inner => `1. a\n\n${indent('   ')(inner)}`,
  ]

  test('a command inside a fence, a quote or a comment never fires, however deep it is wrapped', () => {
    fc.assert(
      fc.property(
        paragraphs,
        fc.array(fc.constantFrom(...around), { maxLength: 2 }),
        fc.constantFrom(...quotes),
        fc.array(fc.constantFrom(...around), { maxLength: 2 }),
        (before, inside, quote, outside) => {
          const inner = inside.reduce((text, wrap) => wrap(text), '/codex stop')
          const wrapped = outside.reduce((text, wrap) => wrap(text), quote(inner))
          expect(read([...before, wrapped].join('\n\n'))).toEqual([])
        },
      ),
      { numRuns: tries(1_000) },
    )
  })
})

describe('hostile Markdown as long as GitHub allows', () => {
  const filled = (unit: string, length = 65_500): string =>
    unit.repeat(Math.ceil(length / unit.length)).slice(0, length)
  const units = [
    ...'*`_~<&\\[\t#',
    ...['![', '<a ', '|a', 'a@b.c ', 'https://a ', 'www.', '~~', '```\n', '\u202e', '\r\n', 'a\n=\n'],
    ...['- - - \n', '> ', '- ', '1. ', '*a_ ', '|a|\n|-|\n', '[a]: b\n', '> - ', '-\n', '[^1]: ', '<!--'],
    ...['\n\n', 'a\n', '  - a\n', '![[', '](', '**a', 'http://', ' \n> a\n'],
  ]
  /** ms of the processor; the page itself is read in a thread of its own. */
  const bound = 150

  test.each(someOf(units, 3))('%j before a command: it counts, does not, or the writer is told so', unit => {
    const text = `${filled(unit)}\n\n/codex go`
    const page = seen(text)
    expect(spentOn(() => parseCommands(page))).toBeLessThan(bound)
    expect(read(text).join()).toMatch(/^(?:$|run \| go\b|\? unreadable cut$)/)
  })

  test.each(someOf(units, 3))('%j below a command does not keep it from being read', unit => {
    const parsed = parseCommands(seen(`/codex stop\n\n${filled(unit)}`))
    expect(parsed.map(brief)).toEqual(['stop'])
    const page = seen(`/codex ${filled(unit)}`)
    expect(spentOn(() => parseCommands(page))).toBeLessThan(bound)
  })

  test.each(someOf(units, 3))(
    '%j in a piece of its own: a command below is read, or its writer told that it is not',
    unit => {
      const text = filled(unit.replace(/[<`~[\s\\]/g, 'x'))
      const [only, ...others] = parseCommands(seen(`${text}\n\nplease\n/codex stop`)).map(brief)
      expect(only).toMatch(/^(?:stop|\? unreadable cut)$/)
      expect(others).toEqual([])
    },
  )

  test('whose page could not be had is not passed over in silence', () => {
    const text = '/codex status\n\n**/codex stop**'
    expect(parseCommands({ text, page: undefined }).map(brief)).toEqual(['? unreadable page'])
    expect(parseCommands({ text: '- /codex stop', page: undefined })).toEqual([])
  })

  test('a command below a long log is read, as below long prose', () => {
    const log = `\`\`\`\n${filled('12:00 <info> [x] `y` > z\n')}\n\`\`\``
    expect(parseCommands(seen(`See:\n${log}\n/codex stop`)).map(brief)).toEqual(['stop'])
    expect(parseCommands(seen(`${filled('Words, and (more) words.\n')}\n/codex stop`)).map(brief)).toEqual([
      'stop',
    ])
    expect(
      parseCommands(seen(`${filled('- an item of a list\n', 60_000)}\n\n/codex stop`)).map(brief),
    ).toEqual(['stop'])
  })

  test('many pieces together take no longer than one', () => {
    const piece = `${filled('*a_ [b ', 1_900)}\n/codex stop\n\n`
    const page = seen(filled(piece))
    expect(spentOn(() => parseCommands(page))).toBeLessThan(bound)
  })
})

test.each(['try it', 'rename it', 'retire this', 'reuse it please', 'quote it', 'confirm it', 'top it'])(
  '%s is asked of the agent, though its first word is near a command',
  words => expect(read(`/codex ${words}`)).toEqual(read(`/codex -- ${words}`)),
)
