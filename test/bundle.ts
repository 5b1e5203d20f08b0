/**
 * The bot in a few files. It is the code of `dist`, but node finds and reads a few files in half the time that thousands
 * take it, and tests start many processes.
 */
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Where `main.js`, `bot.js`, `config.js` and `process-environment.js` are, as in `dist`. */
export const bundled = `${root}dist/bundled`

const entries = ['main', 'bot', 'config', 'process-environment']

export async function bundle(): Promise<void> {
  await build({
    entryPoints: {
      ...Object.fromEntries(entries.map(name => [name, `${root}src/${name}.ts`])),
      // Tests kill a process at its calls.
      'bull-queue': `${root}src/queue/bull-queue.ts`,
      // Started by the file's name, from beside it.
      'page-worker': `${root}src/github/page-worker.ts`,
      'queue-child': `${root}test/support/queue-child.ts`,
    },
    outdir: bundled,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // These don't work when they are moved: they read files that stand beside them, or name their parts late.
    external: ['@electric-sql/pglite', 'undici'],
    logLevel: 'error',
    // Some dependencies are CommonJS, and require what node brings.
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
  })
}
