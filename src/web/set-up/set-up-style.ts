import { baseStyle } from '../pages.tsx'

export const style = `${baseStyle}
main { max-width: 42rem; margin: 0 auto; padding: 2.5rem 1rem 4rem }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 .5rem }
h2 { font-size: 1.125rem; margin: 0 0 .25rem }
p { margin: 0 0 1rem }
ol.steps { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; margin: 0 0 1.5rem; color: var(--dim); font-size: .875rem }
ol.steps [aria-current] { color: var(--text); font-weight: 600 }
section, fieldset { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1.25rem; margin: 0 0 1.25rem; min-width: 0 }
legend { float: left; width: 100%; padding: 0; font-size: 1.125rem; font-weight: 600; margin: 0 0 .75rem }
legend + * { clear: both }
.hint { color: var(--dim); font-size: .875rem; margin: .25rem 0 0 }
.field { margin: 1rem 0 0 }
label { display: block; font-weight: 600; margin: 0 0 .25rem }
dl { margin: .5rem 0 0 }
dt { margin: .75rem 0 0 }
dd { margin: .125rem 0 0 }
section ol { margin: .5rem 0 0; padding-left: 1.25rem }
section ol li { margin: .375rem 0 0 }
details { margin: 0 0 1.25rem }
summary { cursor: pointer; color: var(--accent) }
.box { display: flex; gap: .5rem; align-items: center; margin: 1.25rem 0 0 }
.box label { margin: 0 }
.box input { width: 1.25rem; min-height: 1.25rem; margin: 0 }
#connection { scroll-margin-top: 40vh }
label .more { font-weight: 400; color: var(--dim) }
input { width: 100%; font: inherit; color: inherit; background: var(--field); border: 1px solid var(--field-line); border-radius: .375rem; padding: .5rem .625rem; min-height: 2.75rem }
input[aria-invalid="true"] { border-color: var(--bad) }
.wrong { color: var(--bad); font-size: .875rem; margin: .25rem 0 0 }
.summary { border-color: var(--bad); background: var(--bad-card) }
.summary ul { margin: .25rem 0 0; padding-left: 1.25rem }
button, .button { display: inline-block; font: inherit; font-weight: 600; border: 1px solid var(--accent); border-radius: .375rem; padding: .5rem 1rem; min-height: 2.75rem; cursor: pointer; background: var(--accent); color: var(--on-accent); text-decoration: none }
button.second, .button.second { background: transparent; color: var(--accent) }
.row { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; margin: 1rem 0 0 }
pre { overflow: auto; max-height: 24rem; margin: .75rem 0 0; padding: .75rem; border: 1px solid var(--line); border-radius: .375rem; background: var(--page); font: .8125rem/1.5 ui-monospace, SFMono-Regular, Menlo, monospace }
code { overflow-wrap: anywhere }
ul.checks { list-style: none; padding: 0; margin: .75rem 0 0 }
ul.checks li { display: grid; grid-template-columns: 1.5rem 1fr; padding: .5rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere }
ul.checks li:first-child { border-top: 0 }
.yes { color: var(--good); font-weight: 700 } .no { color: var(--bad); font-weight: 700 } .unsure { color: var(--dim); font-weight: 700 }
`
