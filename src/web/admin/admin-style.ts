import { baseStyle } from '../pages.tsx'

export const style = `${baseStyle}
body { overflow-wrap: anywhere }
main, header nav { max-width: 60rem; margin: 0 auto; padding: 0 1rem }
main { padding-top: 1.5rem; padding-bottom: 4rem }
header { background: var(--card); border-bottom: 1px solid var(--line) }
header nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; align-items: center; min-height: 3.25rem }
header nav form { margin-left: auto }
header strong { font-weight: 600 }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1rem }
h2 { font-size: 1.125rem; margin: 0; display: flex; gap: .5rem; align-items: baseline }
h3 { font-size: 1rem; margin: 0 0 .25rem }
p { margin: 0 0 .75rem }
.refresh { font-size: .875rem; color: var(--dim); margin: 0 0 .5rem; text-align: right }
section { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; margin: 0 0 1.25rem; padding: 1rem 1.25rem; min-width: 0 }
section > p { margin: .5rem 0 0 }
section.bad { border-left: .25rem solid var(--bad) }
.count { color: var(--dim); font-weight: 400; font-size: 1rem; white-space: nowrap; overflow-wrap: normal }
.dim, .meta { color: var(--dim) }
.meta { font-size: .875rem }
ul.rows { list-style: none; margin: .75rem 0 0; padding: 0 }
ul.rows > li { display: grid; grid-template-columns: 7.5rem minmax(0, 1fr) auto; gap: .25rem 1rem; align-items: start; padding: .75rem 0; border-top: 1px solid var(--line) }
ul.rows > li > .what > a:first-child { font-weight: 600; color: var(--text); display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; overflow-wrap: anywhere }
.state { font-size: .875rem; font-weight: 600; line-height: 1.5rem; color: var(--dim) }
.state.bad { color: var(--bad) } .state.good { color: var(--good) } .state.warn { color: var(--warn) }
.why { display: block }
form { margin: 0 }
.filter { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; margin: 0 0 1.25rem }
.filter label, .field label { display: block; font-weight: 600; font-size: .875rem }
input { font: inherit; color: inherit; background: var(--field); border: 1px solid var(--field-line); border-radius: .375rem; padding: .375rem .625rem; min-height: 2.5rem; max-width: 100%; width: 18rem }
button, .button { display: inline-flex; align-items: center; justify-self: start; font: inherit; font-size: .875rem; font-weight: 600; border: 1px solid var(--accent); border-radius: .375rem; padding: .375rem .875rem; min-height: 2.5rem; cursor: pointer; background: transparent; color: var(--accent); text-decoration: none; white-space: nowrap }
button.main { background: var(--accent); color: var(--on-accent) }
button.danger { border-color: var(--bad); color: var(--bad) }
button.plain { border-color: transparent }
.row { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; margin: .75rem 0 0 }
.said, .wrong { border: 1px solid var(--good); background: var(--good-card); border-radius: .5rem; padding: .75rem 1.25rem; margin: 0 0 1.25rem }
.wrong { border-color: var(--bad); background: var(--bad-card) }
dl { display: grid; grid-template-columns: 9rem minmax(0, 1fr); gap: .375rem 1rem; margin: 0 }
dt { color: var(--dim) } dd { margin: 0 }
ol.timeline { list-style: none; margin: .75rem 0 0; padding: 0 }
ol.timeline li { display: grid; grid-template-columns: 13rem minmax(0, 1fr); gap: 0 1rem; padding: .25rem 0 }
main > details, main > form.row, main > nav.row { margin: 0 0 1.25rem }
[aria-current] { font-weight: 600; color: var(--text) }
details { margin: .75rem 0 0 } summary { cursor: pointer; color: var(--accent) }
pre { overflow: auto; max-height: 24rem; margin: .5rem 0 0; padding: .75rem; border: 1px solid var(--line); border-radius: .375rem; background: var(--page); font: .8125rem/1.5 ui-monospace, SFMono-Regular, Menlo, monospace; white-space: pre-wrap }
@media (max-width: 40rem) { ul.rows > li { grid-template-columns: minmax(0, 1fr) } dl, ol.timeline li { grid-template-columns: minmax(0, 1fr); gap: 0 } dd { margin: 0 0 .5rem } input { width: 100% } .filter > div { flex: 1 1 12rem } }
`
