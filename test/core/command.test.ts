import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { commands, parseCommands } from '../../src/commands/command-registry.ts'
import { findCommands, mayHoldCommand } from '../../src/core/command/find.ts'
import { mayBeMisplaced } from '../../src/core/command/misplaced.ts'
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
    .map(name =>
      infoOf(name).takes.kind === 'nothing' ? flagOf(name) : `${flagOf(name)} ${given[name]}`,
    )
  return `${[name, ...flags].join(' ')}${text === '' ? '' : ` | ${text}`}`
}

/** The word, and the App's name. */
const calls = 'codex @my-app'

const read = (text: string) => parseCommands(seen(text), calls).map(brief)

/** What a command may begin with, which is all the same. */
const called = fc.constantFrom('/codex', '@my-app', '@My-App[bot]', '@my-app /codex')

/** The commands that a text asks for, `none` or several with ` ; ` between, and texts that do. */
type Table = readonly (readonly [expected: string, ...texts: string[]])[]

const holds = (table: Table, begins = '/codex'): void => {
  const rows = table.flatMap(([expected, ...texts]) => texts.map(text => ({ text, expected })))
  test.each(rows)('$text', ({ text, expected }) =>
    expect(read(text.replaceAll('/codex', begins)).join(' ; ') || 'none').toBe(expected),
  )
}

const areInstructions = (words: readonly string[]): void => {
  test.each(words)('%s is an instruction', text =>
    expect(read(`/codex ${text}`)).toEqual([`run | ${text}`]),
  )
}

describe('an instruction', () => {
  holds([
    ['run', '/codex', '/codex --'],
    ['run | Fix it', '/CODEX Fix it'],
    [
      'run | fix it',
      '/codex: fix it',
      '/codex, fix it',
      '/codex\tfix it',
      '/codex   fix  it  ',
      '   /codex fix it',
      '/codex\n\nfix it',
      'Thanks.\r\n/codex fix it',
      'Thanks.\r/codex fix it',
    ],
    ['run | fix it\nsoon', '/codex fix it\r\nsoon\r\n'],
    ['run | stop', '/codex -- stop'],
    ['run | --model is ignored', '/codex -- --model is ignored'],
  ])

  areInstructions([
    'fix the flaky login test',
    'fix it\nIt fails in `a.ts`:\n\n```\nboom\n```',
    'run the tests',
    'run',
    '修复登录测试 🚀',
    '`a.ts` is wrong',
    'fix -- all of it',
    '-',
    'constructor',
  ])
})

describe('an instruction as keyboards write it', () => {
  holds([
    ['run | 修复登录', '/codex：修复登录', '/codex，修复登录'],
    ['run | 直して', '/codex、直して'],
    ['run', '/codex。', '/codex！', '/codex...', '/codex!'],
    ['run | ログインを直して', '/codexログインを直して'],
    ['run | 로그인 고쳐 줘', '/codex로그인 고쳐 줘'],
    ['run | แก้บั๊ก', '/codexแก้บั๊ก'],
    ['run | 修复', '/codex\u3000修复'],
    ['run | Fix it', '/codex. Fix it'],
    [
      'run | fix it',
      '/codex… fix it',
      '/codex; fix it',
      '\u00a0/codex fix it',
      '\u00a0\u00a0 \u00a0 /codex fix it',
      '\u3000/codex fix it',
      '\ufeff/codex fix it',
      '\ufeff\r\n/codex fix it',
      '\u200b/codex fix it',
      '\u200e/codex fix it',
      '\u200f/codex fix it',
      '\u2060 /codex fix it',
      'Words\n\u200f/codex fix it',
      '/codex\u200b fix it',
      '/codex\u00a0fix it',
      '/codex\ufe0f fix it',
    ],
    ['run | 🚀 fix it', '/codex🚀 fix it'],
    ['run | “fix it”', '/codex“fix it”'],
    ['help', '/codex?', '/codex ?', '/codex？'],
    ['run | ? Can you fix it', '/codex? Can you fix it'],
    ['stop', '/codex stop！', '/codex: stop.'],
  ])

  holds([
    [
      'none',
      '/codex/readme',
      '/codex/',
      '/codex-cli is slow',
      '/codex‑cli is slow',
      '/codex_cli',
      '/codex2',
      '/codexé',
      '/codexисправь',
      '/codex.yml.',
      "/codex's answer",
      '/codex’s answer',
      '/codex) is',
      '/codex" is',
      '/codex\u200bes',
      '/codex／readme',
      '/code\u212a',
      '\u202e/codex fix it',
      '\u2067/codex fix it',
      '    \u00a0/codex fix it',
      '    \u200b/codex fix it',
      '> \u00a0/codex fix it',
    ],
  ])
})

describe('a command of the table', () => {
  holds([
    [
      'stop',
      '/codex stop',
      '/codex stop.',
      '/codex stop!',
      '/codex stop, please!',
      '/codex stop the run',
      '/codex stop 🙏',
      '/codex stop it now, thanks',
      '/codex stop\nIt goes the wrong way.',
      '/codex cancel',
      '/codex Cancel this',
    ],
    ['retry', '/codex retry'],
    ['retry --effort high', '/codex retry --effort high', '/codex retry —effort high'],
    ['retry --model gpt-5.6 --new', '/codex retry --model gpt-5.6 --new'],
    ['status', '/codex status'],
    ['config', '/codex config'],
    ['doctor', '/codex doctor'],
    ['help', '/codex help'],
    ['approve', '/codex approve'],
    ['plan', '/codex plan'],
    [
      'plan | how to split billing',
      '/codex plan how to split billing',
      '/codex plan: how to split billing',
      '/codex plan\n\nhow to split billing',
    ],
    ['plan --effort high | how to split billing', '/codex plan --effort high how to split billing'],
    ['continue', '/codex continue'],
    ['continue | with the tests', '/codex continue with the tests'],
  ])

  areInstructions([
    'stop the retry loop from spinning',
    'stop using lodash',
    'retry failed requests with a backoff',
    'status codes are wrong',
    'approve only signed commits in the hook',
  ])

  test.each(commands)('the example of $name is that command', ({ name, example, usage }) => {
    const [first, ...others] = parseCommands(seen(example))
    expect(others).toEqual([])
    expect(first && !isMistake(first) ? first.command.name : first).toBe(name)
    expect(usage.startsWith('/codex')).toBe(true)
  })

  const aliases = commands.flatMap(({ name, aliases = [] }) =>
    aliases.map(alias => ({ alias, name })),
  )
  test.each(aliases)('$alias is $name', ({ alias, name }) =>
    expect(read(`/codex ${alias}`)).toEqual([name]),
  )
})

describe('options', () => {
  holds([
    [
      'run --effort high | fix it',
      '/codex --effort high fix it',
      '/codex --effort=high fix it',
      '/codex --Effort HIGH fix it',
      '/codex —effort high fix it',
      '/codex –effort high fix it',
      '/codex --effort high\nfix it',
      '/codex—effort high fix it',
      '/codex −−effort high fix it',
      '/codex--effort high fix it',
      '/codex: --effort high fix it',
      '/codex -effort high fix it',
      '/codex fix it\n--effort high',
      '/codex fix it\n—effort high',
      '/codex\n--effort high\nfix it',
    ],
    ['run --model gpt-5.6 --effort max | fix it', '/codex --model gpt-5.6 --effort max fix it'],
    [
      'run --model gpt 5.6 | fix it',
      '/codex --model "gpt 5.6" fix it',
      '/codex --model “gpt 5.6” fix it',
      '/codex --model="gpt 5.6" fix it',
    ],
    ['run --branch release/2.x | fix it', '/codex --branch release/2.x fix it'],
    ['run --new | fix it', '/codex --new fix it'],
    ['run --effort high | --new is a word here', '/codex --effort high -- --new is a word here'],
    [
      'run --effort high --new | fix it',
      '/codex -effort=high -new fix it',
      '/codex fix it\n\n--effort high --new\n',
      '/codex\n--effort high fix it\n--new',
      '/codex --new\n--effort high\n\nfix it',
    ],
    ['run --effort high | fix it\nsoon', '/codex fix it\r\n--effort high\r\nsoon'],
    ['run --model gpt-5.6 --effort high | fix it', '/codex fix it\n--effort high\n--model gpt-5.6'],
    ['retry --effort high', '/codex retry\n--effort high', '/codex --effort high retry'],
    ['plan --effort high | how to', '/codex plan\n--effort high\nhow to'],
    ['? bad-value effort → is →', '/codex fix it\n--effort is ignored'],
    ['run --effort high | fix it --', '/codex fix it --\n--effort high'],
    ['run | --effort high', '/codex --\n--effort high'],
    ['run | fix it\n\n```\n--effort high\n```', '/codex fix it\n```\n--effort high\n```'],
    ['stop', '/codex stop\n--watch is broken'],
    ['plan --new | how to split billing', '/codex --new plan how to split billing'],
    ['plan --effort high --new | how', '/codex --effort high plan --new how'],
    ['retry --new', '/codex --new retry'],
    ['run --new | stop using lodash', '/codex --new stop using lodash'],
    ['run --new | plan the release', '/codex --new -- plan the release'],
  ])

  areInstructions(['-1 on the offset', '-v prints nothing', 'document it\n--branch is ignored'])
})

describe('options at the end', () => {
  holds([
    ['run --new | fix the flaky test', '/codex fix the flaky test --new'],
    ['run --force | fix', '/codex fix --force'],
    [
      'run --effort high | fix it',
      '/codex fix it --effort high',
      '/codex fix it --effort high please',
    ],
    [
      'run --effort high --new | fix it',
      '/codex fix it --effort=HIGH --new',
      '/codex fix it --new\n--effort high',
    ],
    ['run --model gpt 5.6 | fix it', '/codex fix it --model "gpt 5.6"'],
    [
      'run --new | fix it',
      '/codex fix it —new',
      '/codex fix it -new',
      '/codex fix it --NEW',
      '/codex fix it --new.',
      '/codex fix it --new please',
      '/codex fix it --new, thanks 🙏',
      '/codex fix it --new=true',
      '/codex --new=true fix it',
    ],
    ['run --effort low --new | fix it', '/codex --new fix it --effort low'],
    ['run | fix it', '/codex fix it --new=false'],
    ['run --force | fix it', '/codex --force="true" fix it'],
    ['stop', '/codex --new=false stop'],
    ['plan --effort high | how to', '/codex plan how to --effort high'],
    [
      'retry --new',
      '/codex retry it --new',
      '/codex retry it, please --new',
      '/codex retry\nIt spins.\n--new',
      '/codex retry? --new',
    ],
    ['retry --effort high', '/codex retry please --effort high'],
    ['run --effort high | fix it\nsoon', '/codex fix it\nsoon\n--effort high'],
    ['run --effort high --new | fix it\nsoon', '/codex fix it\nsoon\n\n--effort high\n--new'],
    [
      'run --new | fix the server that got --force behind a dash -',
      '/codex fix the server that got --force behind a dash - --new',
    ],
  ])
})

describe('words that speak of options', () => {
  holds([
    ['run | document --force', '/codex -- document --force'],
    ['run --new | document --force', '/codex --new -- document --force'],
    ['plan | how to --force', '/codex plan -- how to --force'],
    ['run | fix\nsoon\n--new', '/codex -- fix\nsoon\n--new'],
  ])

  areInstructions([
    'make --dry-run print what it would do',
    'rename --force to --yes',
    'fix the --new',
    'fix the --model option',
    'fix the --effort option',
    'document --branch flags',
    'document the flag `--force`',
    'document "--force"',
    'run npm test -- --new',
    'support --watch',
    'let it run with --node',
    'list them with ls -neu',
    'add the flags\n--watch\n--new',
    'fix this\ngit push --force',
    'fix a--new',
  ])
})

describe('a first word that is a slip of a command', () => {
  const slips = {
    plan: 'pln paln plna plann olan lpan plam',
    review: 'reveiw reivew revew reviw rewiew revieuw teview reviev',
    ask: 'aks sak askk asj',
    approve: 'aprove approv appove aprrove aprov apporve',
    continue: 'contiune contine cotinue conitnue contnue contniue contineu',
    retry: 'rety rerty retyr rettry tetry',
    stop: 'sotp stpo stp stoo sstop',
    cancel: 'canel cancle cacnel cansel',
    status: 'staus statsu stauts satus statis',
    config: 'confg cofnig conifg confif',
    doctor: 'docter doctr dcotor',
    help: 'hlep hepl halp hekp',
  }
  const all = Object.entries(slips).flatMap(([name, words]) =>
    words.split(' ').map(slip => [slip, name]),
  )
  const told = (slip: string, name: string) =>
    `? unknown-command ${slip} → ${name === 'cancel' ? 'stop' : name}`
  test.each(all)('%s is told, alone and before words: %s', (slip, name) => {
    expect(read(`/codex ${slip}`)).toEqual([told(slip, name)])
    expect(read(`/codex ${slip} the locking`)).toEqual([told(slip, name)])
    expect(read(`/codex -- ${slip} the locking`)).toEqual([`run | ${slip} the locking`])
  })

  const first =
    'a about accept access across adapt add address adjust after align all allow already also always amend an analyse analyze and announce answer any append apply approach arrange as asks assert assign assume at attach audit author auto avoid back backport bail balance base batch be because before begin benchmark bind block boost both branch break bring broken browse bug build bump bundle but button by cache calculate call can cap capitalise catch cause center change check choose clamp clarify class clean cleanup clear click clone close collapse collect combine comment commit compare compile complete compress compute config-file configure configuring confirm connect consider consolidate contact contain container contents contribute convert copy correct could count cover crash create css cut dark date deal debounce debug decide decouple dedupe default defer define delete deploy deprecate describe design detect did diff disable discard discuss display do docker docs document does done dont downgrade draft draw drop each edit either eliminate email embed empty enable encode end enforce enhance ensure entry error escape evaluate every examine exclude expand explain explore export expose extend extract fail fallback fetch figure file fill filter finalise find finish first fix fixed fixes flag flaky flatten fold follow for force fork format forward from function further generate get give go grab group guard handle handler hash have heading headings health heat hello helper hey hide highlight hook hover how however html i if ignore implement import improve in include increase indent index inform init inline input insert inspect install instead integrate introduce investigate invert is issue it iterate its join js just keep kill label land lazy leave let level lift limit link lint list load localise lock log look loop lower make manage map mark match maybe measure memoise mention merge migrate minify mock modify monitor more move multiple my name need never new next no normalise not note notify now of offer ok on once only open optimise optimize or order our output override pack package pad page paginate parallelise parse parser pass paste patch path perform persist phase pick pin ping pipe place plain plan-b planet plant plants play please plot plug point polish poll poor port post praise prefer prepare preserve press pretty prevent preview print prioritise probably profile program propagate propose protect prove provide prune publish pull pulse purge push put python queries query question quick quote raise rate read rearrange rebase rebuild recreate redesign redirect redo reduce refactor refine refresh regenerate register reindent reinstall reject relax release reload remove rename render reorder repair repeat replace reply report reproduce request require rescue research reset resize resolve respect respond restart restore restrict restructure result retain retest retire retro return reuse revert revise rework rewrite right rollback rotate round route run rust safari sanitise save say scale scan schema scroll search secure see select send separate serialise set setup several share shop shorten should show shrink sign simplify since site skip slow smoke snapshot so solve some somebody something sort sorting speed spell split squash stabilise stack stage standardise start state statement states static stats step steps still stopping stops store story stream strict string strip style sub suggest summarise supply support suppress swap switch sync table take task tell temporarily test tests than that the then there these they this those throttle throw tidy time to toggle top touch trace track transform translate travis trim try tune turn type typo unify uninstall unit unlock unskip until up update upgrade upload use user validate verify version view wait want warn watch we what when where which while who why will wire with work would wrap write yes you your zoom'.split(
      ' ',
    )
  test.each(someOf(first, first.length))(
    'the word %s is an instruction, however close it comes',
    word => expect(read(`/codex ${word} the login page`)).toEqual([`run | ${word} the login page`]),
  )

  holds([
    ['? unknown-command reveiw → review', '/codex reveiw: the locking'],
    ['? unknown-command Reveiw → review', '/codex Reveiw the locking'],
    ['? unknown-command sotp → stop', '/codex sotp please'],
    ['? unknown-command pln → plan', '/codex --new pln how', '/codex pln how --force'],
    ['status', '/codex status?', '/codex status??', '/codex status？', '/codex status ?'],
    ['stop', '/codex stop?!'],
    ['help', '/codex help?'],
  ])

  areInstructions([
    'plan.md is wrong',
    'try it',
    'rename it',
    'retire this',
    'reuse it please',
    'quote it',
    'confirm it',
    'top it',
  ])
})

describe('a mistake', () => {
  holds([
    ['? unknown-option asuser → as-user', '/codex fix it --asuser', '/codex fix it\n--asuser'],
    [
      '? bad-value effort → hihg → high',
      '/codex fix it --effort hihg',
      '/codex fix it\n--effort hihg',
      '/codex --effort hihg fix it',
    ],
    [
      '? missing-value effort',
      '/codex fix it --effort',
      '/codex --effort',
      '/codex --effort=',
      '/codex --effort --new fix it',
    ],
    [
      '? option-twice new',
      '/codex fix it --new\n--new',
      '/codex --new fix it\n--new',
      '/codex --new --new',
      '/codex --new plan --new how',
    ],
    [
      '? no-options-here stop',
      '/codex stop it --effort high',
      '/codex stop\n--effort high',
      '/codex --effort high stop',
    ],
    ['? bad-value new → maybe →', '/codex --new=maybe fix it'],
    ['? bad-value force → perhaps →', '/codex fix it --force=perhaps'],
    [
      '? unknown-option modle → model',
      '/codex --modle gpt-5.6 fix it',
      '/codex\n--modle gpt-5.6\nfix it',
    ],
    ['? unknown-option colour →', '/codex --colour red fix it'],
    ['? unknown-option fix →', '/codex—fix it'],
    ['? unknown-option constructor →', '/codex --constructor x'],
    ['? missing-value branch', '/codex --branch "" fix it'],
    ['? option-twice effort', '/codex --effort high --effort low fix it'],
  ])

  areInstructions(['deploy'])
})

describe('several commands in one comment', () => {
  holds([
    ['stop ; retry --effort high', '/codex stop\n/codex retry --effort high'],
    ['run | fix it\nwith care ; status', '/codex fix it\nwith care\n\n/codex status'],
    ['run | fix it', '/codex fix it\n/codex fix it'],
    ['? unknown-command sotp → stop ; help', '/codex sotp\n/codex help'],
    [
      'run | fix it\n\n```\n/codex stop\n```\n\nthanks',
      '/codex fix it\n```\n/codex stop\n```\n\nthanks',
    ],
  ])
})

test('no more than ten commands of a comment are read', () => {
  const many = Array.from({ length: 12 }, (_, n) => `/codex do ${n}`)
  const ten = many.slice(0, 10).map(line => line.replace('/codex', 'run |'))
  expect(read(many.join('\n'))).toEqual([...ten, '? too-many 10'])
})

describe('an edit asks', () => {
  const asks = (before: string, after: string) =>
    newCommands(parseCommands(seen(before)), parseCommands(seen(after))).map(brief)

  test.each<[what: string, before: string, after: string, ...expected: string[]]>([
    ['what was not there', 'Hello.', '/codex fix it', 'run | fix it'],
    ['nothing for what was there', '/codex fix it', 'Hello.\n\n/codex fix it'],
    ['nothing for another line below', '/codex fix it\nsoon', '/codex fix it\nat once'],
    ['nothing for other words below a bare command', '/codex\nfix it', '/codex\nfix that'],
    [
      'a second one with the same line',
      '/codex fix it\nin a',
      '/codex fix it\nin b\n/codex fix it\nin a',
      'run | fix it\nin b',
    ],
    ['what was a mistake', '/codex\n--effort hihg', '/codex\n--effort high', 'run --effort high'],
    ['nothing for the same mistake', '/codex --effort hihg', 'x\n\n/codex --effort hihg'],
    ['one that was added', '/codex fix it', '/codex fix it\n/codex stop', 'stop'],
  ])('%s', (_, before, after, ...expected) => expect(asks(before, after)).toEqual(expected))
})

describe('a mention of the App', () => {
  holds([
    [
      'run | fix it',
      '@my-app fix it',
      '@MY-App fix it',
      '@my-app[bot] fix it',
      '@my-app[BOT]: fix it',
      '@my-app: fix it',
      '@my-app, fix it',
      '@my-app\n\nfix it',
      'Thanks.\r\n@my-app fix it',
      '   @my-app fix it',
      '@my-app -- fix it',
      '@my-app\u200b fix it',
      '@my-app　fix it',
    ],
    ['run', '@my-app', '@my-app[bot]', '@my-app /codex'],
    ['run | write at 9 to sam@x.example:', '@my-app write at 9 to sam@x.example:'],
    ['stop', '@my-app stop', '@my-app stop please', '@my-app /codex stop', '@my-app, /codex stop'],
    [
      'run --effort high | fix it',
      '@my-app --effort high fix it',
      '@my-app[bot] fix it --effort high',
    ],
    ['run | a ; stop', '@my-app a\n/codex stop', '/codex a\n@my-app stop'],
    ['run | /codexes', '@my-app /codexes'],
    [
      'none',
      '@my-app-2 fix it',
      '@my-app2 fix it',
      '@my-app/team fix it',
      '@my-app_ fix it',
      '@my-app.x fix',
      '@my-app[bots] fix it',
      '@my fix it',
      '@dependabot rebase',
      '@codex fix it',
      '@my-app’s fix it',
      'Thanks @my-app stop',
      'see @my-app',
      'x@my-app stop',
      '@@my-app stop',
      '/my-app stop',
      'my-app stop',
      '@sam @my-app stop',
      '(@my-app stop)',
      '**@my-app** stop',
      '[@my-app stop](https://x.example)',
    ],
  ])

  test('of a bot whose name nobody knows is none', () => {
    const text = '@my-app stop'
    expect(parseCommands(seen(text)).map(brief)).toEqual([])
    expect(mayHoldCommand(text)).toBe(false)
  })

  test.each(['thanks @my-app', '- @my-app fix it', '# @my-app', 'Hi @my-app fix it'])(
    'in passing is no command that stands where none is read: %s',
    text => expect(mayBeMisplaced(text, calls)).toBe(false),
  )
})

describe.each(['/codex', '@my-app', '@my-app[bot]'])('where a line of %s is', begins => {
  holds(
    [
      [
        'none',
        '/codexfix it',
        '/codex.fix it',
        '//codex fix it',
        '\\/codex fix it',
        'please /codex fix it',
        '`/codex fix it`',
        'a `b\n/codex fix it\nc` d',
        '    /codex fix it',
        '\t/codex fix it',
        '```\n/codex fix it\n```',
        '```\n/codex fix it',
        '````md\n```\n/codex fix it\n```\n````',
        '~~~\n/codex fix it\n~~~',
        '> /codex fix it',
        '> quoted\n/codex fix it',
        '> ```\n> /codex fix it\n> ```',
        'On Monday maya wrote:\n> /codex fix it\n> soon',
        '<!-- /codex fix it -->',
        '<!--\n/codex fix it\n-->',
        'words <!--\n/codex fix it\n--> words',
        '<details>\n/codex fix it\n</details>',
        '<pre>\n/codex fix it\n</pre>',
        '<pre>\n\n/codex fix it\n\n</pre>',
        '<div\n/codex>',
        '[/codex fix it](https://example.org)',
        '[words\n/codex fix it\nwords](https://example.org)',
        '![words\n/codex fix it\nwords](https://example.org/a.png)',
        '[a]: https://example.org\n"\n/codex fix it\n"',
        '[words\n/codex fix it][a]\n\n[a]: https://example.org',
        '- ```\n  /codex fix it\n  ```',
        '- > /codex fix it',
        '| /codex fix it |',
        '- /codex fix it',
        '1. /codex fix it',
        '# /codex fix it',
        '**/codex fix it**',
        '／codex fix it',
        '',
        '<details>\n\n/codex fix it\n</details>',
        '*Words\n/codex fix it*',
      ],
      ['? unreadable cut', '<!--\n/codex fix it', '[^1]: words\n/codex fix it\n\nsee[^1]'],
      [
        'run | fix it',
        '> quoted\n\n/codex fix it',
        '```\ncode\n```\n/codex fix it',
        '<!-- note -->\n\n/codex fix it',
        'Words\n/codex fix it',
        '- a list\n\n/codex fix it',
        '# Title\n/codex fix it',
        'a | b\n\n/codex fix it',
        '[x] done\n/codex fix it',
        'unclosed ` tick\n/codex fix it',
        'unclosed [ bracket\n/codex fix it',
        '\ufeff\n/codex fix it',
      ],
      ['run | fix `b`', '`a` words\n/codex fix `b`'],
      ['run | fix it\n\n> quoted', '/codex fix it\n> quoted'],
    ],
    begins,
  )
})

const markdown = pastedText(40)

describe('for any text', () => {
  test('parsing is total: it gives commands and mistakes, and the cheap test is never wrong in the negative', () => {
    fc.assert(
      fc.property(fc.oneof(markdown, fc.string({ unit: 'binary', maxLength: 200 })), text => {
        const parsed = parseCommands(seen(text), calls)
        if (parsed.length > 0) expect(mayHoldCommand(text, calls)).toBe(true)
        for (const one of parsed) expect(brief(one)).toEqual(expect.any(String))
      }),
      { numRuns: tries(2_000) },
    )
  })

  test('any words after /codex or the App’s name give exactly one command or mistake', () => {
    const words = fc
      .oneof(markdown, fc.string({ unit: 'grapheme', maxLength: 60 }))
      .map(text => text.replace(/[\r\n]/g, ' '))
    fc.assert(
      fc.property(called, words, (begins, line) => {
        const text = `Hello.\n\n${begins} ${line.replace(/[`<[\]>.@]/g, '')}`
        expect(findCommands(seen(text), calls).commands).toHaveLength(1)
      }),
      { numRuns: tries(1_000) },
    )
  })

  const word = fc.constantFrom(
    ...'the tests are slow and login fails sometimes it does. see this, café 修复'.split(' '),
  )
  const sentence = fc
    .array(word, { minLength: 1, maxLength: 8 })
    .map(words => `x${words.join(' ')}`)
  const paragraph = fc
    .array(sentence, { minLength: 1, maxLength: 3 })
    .map(lines => lines.join('\n'))
  const paragraphs = fc.array(paragraph, { maxLength: 4 })

  test('a command line after plain paragraphs fires, whether or not a blank line stands between', () => {
    fc.assert(
      fc.property(
        called,
        paragraphs,
        fc.constantFrom('\n', '\n\n', '\r\n'),
        sentence,
        (begins, before, gap, words) => {
          const text = [...before, `${begins} ${words}`].join(gap)
          expect(read(text)).toEqual([`run | ${words}`])
        },
      ),
      { numRuns: tries(500) },
    )
  })

  test('what asks for something with the word, asks for the same with the App’s name', () => {
    const line = fc
      .tuple(fc.constantFrom('', ' ', '   ', '    ', '> ', '- ', '`', 'x '), fc.nat(3))
      .map(([before, n]) => `${before}CALL do${n}`)
    const lines = fc.array(
      fc.oneof({ weight: 3, arbitrary: pastedText(4) }, { weight: 2, arbitrary: line }),
      {
        minLength: 1,
        maxLength: 7,
      },
    )
    fc.assert(
      fc.property(lines, fc.constantFrom('\n', '\n\n'), (parts, gap) => {
        const asked = (begins: string) =>
          read(parts.join(gap).replaceAll('CALL', begins)).filter(each => /\bdo\d/.test(each))
            .length
        expect(asked('@my-app')).toBe(asked('/codex'))
      }),
      { numRuns: tries(1_000) },
    )
  })
})

describe('hostile Markdown as long as GitHub allows', () => {
  const filled = (unit: string, length = 65_500) =>
    unit.repeat(Math.ceil(length / unit.length)).slice(0, length)
  const units = [
    ...'*`_~<&\\[\t#',
    '![',
    '<a ',
    '|a',
    'a@b.c ',
    'https://a ',
    'www.',
    '~~',
    '```\n',
    '\u202e',
    '\r\n',
    'a\n=\n',
    '- - - \n',
    '> ',
    '- ',
    '1. ',
    '*a_ ',
    '|a|\n|-|\n',
    '[a]: b\n',
    '> - ',
    '-\n',
    '[^1]: ',
    '<!--',
    '\n\n',
    'a\n',
    '  - a\n',
    '![[',
    '](',
    '**a',
    'http://',
    ' \n> a\n',
    '@my-app',
    '@',
  ]
  /** ms of the processor; the page itself is read in a thread of its own. */
  const bound = 150

  test.each(someOf(units, 3))(
    '%j before a command: it counts, does not, or the writer is told so',
    unit => {
      const page = seen(`${filled(unit)}\n\n/codex go`)
      expect(spentOn(() => parseCommands(page, calls))).toBeLessThan(bound)
      expect(parseCommands(page, calls).map(brief).join()).toMatch(
        /^(?:$|run \| go\b|\? unreadable (?:cut|page)$)/,
      )
    },
  )

  test.each(someOf(units, 3))('%j below a command does not keep it from being read', unit => {
    const parsed = parseCommands(seen(`/codex stop\n\n${filled(unit)}`))
    expect(parsed.map(brief)).toEqual(['stop'])
    const page = seen(`/codex ${filled(unit)}`)
    expect(spentOn(() => parseCommands(page))).toBeLessThan(bound)
  })

  test('whose page could not be had is not passed over in silence', () => {
    const text = '/codex status\n\n**/codex stop**'
    expect(parseCommands({ text, page: undefined }).map(brief)).toEqual(['? unreadable page'])
    expect(parseCommands({ text: '- /codex stop', page: undefined })).toEqual([])
  })

  test('a command below a long log is read, as below long prose', () => {
    const log = `\`\`\`\n${filled('12:00 <info> [x] `y` > z\n')}\n\`\`\``
    expect(parseCommands(seen(`See:\n${log}\n/codex stop`)).map(brief)).toEqual(['stop'])
    expect(
      parseCommands(seen(`${filled('Words, and (more) words.\n')}\n/codex stop`)).map(brief),
    ).toEqual(['stop'])
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
