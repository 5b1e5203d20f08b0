/**
 * Drives the bot through each kind of thread and draws what it posts as GitHub shows it: `cmark-gfm`, GitHub's
 * stylesheet and Chromium make pictures in docs/threads, light and dark. `npm run threads` draws what says something else
 * than before; `npm run threads -- kind …` draws some again from what was posted last, `moving` the moving picture of the
 * README. It takes a font with emoji and a tool for small pictures: Debian's fonts-noto-color-emoji and pngquant.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { chromium, type Page } from 'playwright-core'
import { renderAll } from '../test/support/cmark-gfm.ts'
import { driveThreads } from '../test/threads/drive.ts'
import {
  type DrivenThread,
  type DrivenThreads,
  movingDigest,
  movingThreads,
  pageOfThreads,
  type ShownComment,
  said,
  storedThreads,
} from '../test/threads/index-page.ts'
import { movingPng } from './moving-png.ts'

const folder = new URL('../docs/threads/', import.meta.url).pathname
const widths = { '': 760, '-phone': 390 }

type Scheme = 'light' | 'dark'

async function main(wanted: readonly string[]): Promise<void> {
  const before = storedThreads()
  const threads = wanted.length === 0 ? await drivenAnew(before) : before
  const profile = mkdtempSync(join(tmpdir(), 'threads-'))
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    viewport: { width: widths[''], height: 400 },
    deviceScaleFactor: 1.5,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-lcd-text',
    ],
  })
  try {
    const page = await browser.newPage()
    for (const [name, thread] of Object.entries(threads)) {
      if (wanted.length > 0 ? !wanted.includes(name) : thread === before[name]) continue
      for (const scheme of ['light', 'dark'] as const)
        for (const [of, width] of Object.entries(widths)) {
          if (of !== '' && scheme === 'dark') continue
          await page.setViewportSize({ width, height: 400 })
          await page.emulateMedia({ colorScheme: scheme })
          await page.setContent(html(thread, scheme))
          const path = `${folder}${name}${of}-${scheme}.png`
          await page.locator('main').screenshot({ path })
          execFileSync('pngquant', ['--force', '--output', path, '128', path])
        }
    }
    const isNew = (name: string): boolean => threads[name] !== before[name]
    if (wanted.includes('moving') || movingThreads.some(isNew)) await drawMoving(page, threads)
  } finally {
    await browser.close()
    rmSync(profile, { recursive: true, force: true })
  }
  writeFileSync(`${folder}README.md`, pageOfThreads(threads))
}

/** From the command to the pull request, in the places that the last frame has. */
async function drawMoving(page: Page, threads: DrivenThreads): Promise<void> {
  const [working, done] = movingThreads.map(name => threads[name])
  const [command] = working?.comments ?? []
  if (!working || !done || !command)
    throw new Error('the threads of the moving picture were not driven')
  const frames: [ms: number, comments: ShownComment[]][] = [
    [1_500, [{ ...command, reactions: [] }]],
    [1_500, [command]],
    [4_000, working.comments],
    [6_000, done.comments],
  ]
  await page.setViewportSize({ width: widths[''], height: 400 })
  for (const scheme of ['light', 'dark'] as const) {
    const shots: { ms: number; png: Buffer }[] = []
    let height = 0
    for (const [ms, comments] of frames.toReversed()) {
      await page.setContent(html({ ...done, comments }, scheme))
      const main = page.locator('main')
      height ||= (await main.boundingBox())?.height ?? 0
      await page.addStyleTag({ content: `main { height: ${Math.ceil(height)}px }` })
      shots.unshift({ ms, png: await main.screenshot() })
    }
    writeFileSync(`${folder}../moving-${scheme}.png`, movingPng(shots, movingDigest(threads)))
  }
}

/** What says the same as before stays as it is: each picture that is drawn again is kept by git for good. */
async function drivenAnew(before: DrivenThreads): Promise<DrivenThreads> {
  const driven = Object.entries(await driveThreads())
  const threads = Object.fromEntries(
    driven.map(([name, thread]) => {
      const old = before[name]
      return [name, old && isDeepStrictEqual(said(old), said(thread)) ? old : thread]
    }),
  )
  for (const file of readdirSync(folder))
    if (!Object.hasOwn(threads, file.replace(/(?:-phone)?-(?:light|dark)\.png$/, '')))
      rmSync(join(folder, file))
  writeFileSync(`${folder}threads.json`, `${JSON.stringify(threads, undefined, 2)}\n`)
  return threads
}

const css = (scheme: string): string =>
  readFileSync(
    new URL(`../node_modules/github-markdown-css/github-markdown-${scheme}.css`, import.meta.url),
    'utf8',
  )

/** What the stylesheet leaves to GitHub's page: the frame of a comment, and the name above it. */
const colours = {
  light: { page: '#ffffff', head: '#f6f8fa', line: '#d1d9e0', words: '#59636e', name: '#1f2328' },
  dark: { page: '#0d1117', head: '#151b23', line: '#3d444d', words: '#9198a1', name: '#f0f6fc' },
}

function frame(scheme: Scheme): string {
  const { page, head, line, words, name } = colours[scheme]
  const font = '-apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif'
  return `
    body { margin: 0; background: ${page}; }
    main { box-sizing: border-box; padding: 16px 20px 4px; background: ${page}; }
    .comment { border: 1px solid ${line}; border-radius: 6px; margin-bottom: 16px; overflow: hidden; }
    .line { margin-left: 32px; }
    .by { background: ${head}; border-bottom: 1px solid ${line}; padding: 7px 16px; color: ${words};
      font: 13px ${font}; }
    .by b { color: ${name}; }
    .bot { border: 1px solid ${line}; border-radius: 2em; padding: 0 7px; font-size: 11px; margin: 0 4px; }
    .outdated .by { border-bottom: 0; display: flex; justify-content: space-between; gap: 12px; }
    .reactions { padding: 0 16px 12px; font: 12px ${font}; color: ${name}; }
    .reactions span { border: 1px solid ${line}; border-radius: 2em; padding: 3px 9px; margin-right: 6px; }
    @media (max-width: 500px) { main { padding: 12px 8px 1px; } .line { margin-left: 12px; } }
    .markdown-body { font-size: 14px !important; padding: 14px 16px; }
    .markdown-body > :last-child { margin-bottom: 0; }
    .task-list-item { list-style: none; }
    .task-list-item input { margin: 0 0.3em 0.25em -1.4em; vertical-align: middle; }
  `
}

function html({ comments, unfolded }: DrivenThread, scheme: Scheme): string {
  const bodies = renderAll(comments.map(({ body }) => body))
  const all = comments.map((comment, index) => shown(comment, bodies[index] ?? ''))
  const page = `<!doctype html><meta charset="utf-8"><style>${css(scheme)}${frame(scheme)}</style>
    <main>${all.join('\n')}</main>`
  return unfolded ? page.replaceAll('<details>', '<details open>') : page
}

const pictures: Readonly<Record<string, string>> = {
  eyes: '👀',
  '+1': '👍',
  '-1': '👎',
  rocket: '🚀',
  confused: '😕',
}

const did = {
  comment: 'commented',
  line: 'commented on a line',
  review: 'reviewed',
  check: 'in a check of the commit',
}

const shown = ({ author, minimized, reactions, as }: ShownComment, body: string): string =>
  minimized
    ? outdated
    : `<div class="comment ${as ?? ''}"><div class="by"><b>${author}</b>${author === 'codex' ? '<span class="bot">bot</span>' : ''} ${did[as ?? 'comment']}</div>
  <div class="markdown-body" dir="auto">${body.replaceAll('<li><input type="checkbox"', '<li class="task-list-item"><input type="checkbox"')}</div>${shownReactions(reactions)}</div>`

const shownReactions = (reactions: readonly string[]): string =>
  reactions.length === 0
    ? ''
    : `<div class="reactions">${reactions.map(reaction => `<span>${pictures[reaction] ?? reaction} 1</span>`).join('')}</div>`

const outdated = `<div class="comment outdated"><div class="by"><span><b>codex</b><span class="bot">bot</span>
  This comment was marked as outdated.</span><span>Show&nbsp;comment</span></div></div>`

await main(process.argv.slice(2))
