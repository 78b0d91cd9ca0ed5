/** How the page looks: in light, in dark, narrow, and on paper. */

/** Bars differ in pattern as well as in colour. */
const STRIPES = 'repeating-linear-gradient(-45deg, #0000 0 4px, var(--cut) 4px 7px)';
const CROSSES = `${STRIPES}, repeating-linear-gradient(45deg, #0000 0 4px, var(--cut) 4px 7px)`;

const LIGHT = `
  --ground: #f4f5f7; --paper: #ffffff; --ink: #16191d; --soft: #565d68; --line: #e3e6ea;
  --ok: #1f7a4d; --failed: #c0262d; --late: #a85a00; --cutoff: #6d3bd1; --idle: #6b7280;
  --memory: #2458c7; --memory-soft: #2458c722; --cut: #ffffff8c; --wait: #9aa2ad;
  --ok-soft: #e5f4ec; --bad-soft: #fdecec; --fair-soft: #fdf1e0;`;

const DARK = `
  --ground: #0e1116; --paper: #171b21; --ink: #e9ecf0; --soft: #a6aeba; --line: #2a3038;
  --ok: #4cc48c; --failed: #ff7d78; --late: #f2ab4b; --cutoff: #b99cff; --idle: #8d95a1;
  --memory: #79a8ff; --memory-soft: #79a8ff2e; --cut: #0e111699; --wait: #69717d;
  --ok-soft: #14301f; --bad-soft: #3a1a1c; --fair-soft: #372711;`;

export const STYLE = `
:root { color-scheme: light dark; ${LIGHT} --name: 13.5rem; --result: 11rem; }
@media (prefers-color-scheme: dark) { :root { ${DARK} } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--ink); overflow-wrap: anywhere;
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main, footer { max-width: 72rem; margin: 0 auto; padding: 0 1.25rem; }
main { padding-top: 2rem; }
footer { padding-bottom: 2rem; color: var(--soft); font-size: .8rem; }
h1 { font-size: 1.65rem; line-height: 1.2; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 1.05rem; margin: 0 0 .9rem; }
h3 { font-size: .8rem; margin: 1.5rem 0 .35rem; color: var(--soft); font-weight: 600;
  position: relative; z-index: 1; width: fit-content; background: var(--paper); }
p { margin: .3rem 0; }
ol, ul { list-style: none; margin: 0; padding: 0; }
small { color: var(--soft); font-size: .8rem; font-weight: 400; }
section { background: var(--paper); border: 1px solid var(--line); border-radius: 14px;
  padding: 1.25rem 1.4rem; margin: 1rem 0; }
:focus-visible { outline: 3px solid var(--memory); outline-offset: 2px; border-radius: 4px; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 1rem; top: .5rem; background: var(--paper); padding: .5rem; z-index: 9; }
.hidden { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }

header { display: flex; gap: 1rem; align-items: center; }
.seal { flex: none; width: 3rem; height: 3rem; border-radius: 50%; display: grid; place-items: center;
  font-size: 1.6rem; font-weight: 700; color: var(--paper); background: var(--ok); }
.fair .seal { background: var(--late); }
.bad .seal { background: var(--failed); }
.facts { display: flex; flex-wrap: wrap; gap: .1rem .5rem; color: var(--soft); margin: .35rem 0 0; }
.facts > * + *::before { content: "· "; }
.facts b { color: var(--ink); }
.facts .chip { border: 1px dashed var(--soft); border-radius: 99px; padding: 0 .55rem; font-size: .8rem; }
.facts .chip::before { content: none; }

.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); gap: .75rem;
  margin: 1.25rem 0 1rem; }
.cards > div { background: var(--paper); border: 1px solid var(--line); border-radius: 14px;
  padding: .8rem 1rem .9rem; }
.cards dt { color: var(--soft); font-size: .8rem; }
.cards dd { margin: .1rem 0 0; font-size: 1.2rem; font-weight: 650; font-variant-numeric: tabular-nums; }
.cards > div { display: flex; flex-direction: column; }
.cards small { display: block; }
.gauge { display: block; height: 5px; border-radius: 3px; background: var(--line); margin-top: auto; }
.cards dd { padding-bottom: .5rem; }
.gauge i { display: block; height: 100%; border-radius: 3px; background: var(--soft); }

.chart { position: relative; font-variant-numeric: tabular-nums; }
.row { display: grid; grid-template-columns: var(--name) 1fr var(--result); align-items: center; }
.name { padding-right: 1rem; min-width: 0; unicode-bidi: isolate; }
.name small { display: block; line-height: 1.3; }
.result { padding-left: 1rem; color: var(--soft); font-size: .87rem; }
.rows > li { padding: .3rem 0; position: relative; }
.scale, .flags { position: relative; height: 1.35rem; margin: 0 var(--result) 0 var(--name); }
.tick { position: absolute; transform: translateX(-50%); font-size: .75rem; color: var(--soft);
  white-space: nowrap; }
.lines { position: absolute; inset: 1.35rem var(--result) 0 var(--name); pointer-events: none; }
.lines i { position: absolute; top: 0; bottom: 0; border-left: 1px solid var(--line); }
.lines .end { border-left: 1px dashed var(--soft); }
.lines .deadline { border-left: 2px solid var(--failed); }
.lines .watchdog { border-left: 2px dotted var(--cutoff); }
.flags { height: 1.5rem; z-index: 2; }
.flag { position: absolute; width: 0; white-space: nowrap; font-size: .75rem; }
.flag b { position: absolute; padding: .05rem .4rem; border-radius: 5px; font-weight: 600;
  background: var(--paper); color: var(--soft); border: 1px solid currentColor; }
.flag.behind b { left: 0; }
.flag.before b { right: 0; }
.flag.deadline b { color: var(--failed); }
.flag.watchdog b { color: var(--cutoff); }

.lane { display: block; position: relative; height: 1.75rem; border-radius: 4px; }
.lane:focus-visible { outline-offset: 0; }
.lane i { position: absolute; top: 50%; }
.wait { left: 0; border-top: 2px dotted var(--wait); transform: translateY(-1px); }
.bar { height: 1.1rem; min-width: 4px; border-radius: 4px; transform: translateY(-50%);
  background: var(--ok); border: 1px solid var(--ok); }
.bar.failed { border-color: var(--failed); background: ${CROSSES}, var(--failed); }
.bar.timed-out { border-color: var(--late); background: ${STRIPES}, var(--late); }
.bar.cut-off { border: 1px dashed var(--cutoff); border-right-width: 4px;
  background: linear-gradient(90deg, var(--cutoff), #0000); }
.bar.skipped, .bar.pending { border: 1px dashed var(--idle); background: none; }
.bar.delay { border: 1px solid var(--idle);
  background: radial-gradient(var(--idle) 1px, #0000 1.5px) 0 0 / 6px 6px; }
.kept { height: 1.1rem; transform: translateY(-50%); border-left: 2px solid var(--soft);
  background: repeating-linear-gradient(90deg, var(--wait) 0 1px, #0000 1px 5px); opacity: .4; }
.timed-out .kept, .cut-off .kept { opacity: .9; }
.lane:hover .bar { filter: brightness(1.12); }
.mark { font-weight: 600; white-space: nowrap; }
.mark.ok { color: var(--ok); }
.mark.failed { color: var(--failed); }
.mark.timed-out { color: var(--late); }
.mark.cut-off { color: var(--cutoff); }
.mark.skipped, .mark.pending { color: var(--soft); }

.models { margin: .1rem 0 .2rem; }
.models .name { padding-left: 1rem; font-size: .87rem; color: var(--soft); white-space: nowrap;
  overflow: hidden; text-overflow: ellipsis; }
.models .lane { height: 1.5rem; }
.models .bar { height: .6rem; border-radius: 3px; }
.models .wait { border-top-width: 1px; }
.dense .lane { height: 1.15rem; }
.dense .row { font-size: .8rem; line-height: 1.15rem; }
.dense .name, .dense .result { font-size: .78rem; }

.errors { margin: .25rem 0 .5rem var(--name); }
.errors li { border-left: 3px solid var(--failed); background: var(--bad-soft); padding: .45rem .75rem;
  border-radius: 0 8px 8px 0; margin: .25rem 0; font-size: .87rem; position: relative; z-index: 1; }
li.optional .errors li { border-left-color: var(--late); background: var(--fair-soft); }
section > .errors { margin-left: 0; }
.errors .message { white-space: pre-line; }
.errors .cause b { font-weight: 600; margin-right: .3rem; }
.errors code, pre { font: .8rem/1.5 ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace; }
.errors code { border: 1px solid currentColor; border-radius: 4px; padding: 0 .3rem; }
.place { font-weight: 600; margin-right: .25rem; }
.more { font-style: italic; }
summary { cursor: pointer; width: fit-content; padding: .15rem 0; color: inherit; }
pre { white-space: pre-wrap; margin: .3rem 0 0; max-height: 20rem; overflow: auto; }

.devices .lane { height: 3.4rem; border-bottom: 1px solid var(--soft); border-radius: 0; }
svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
.area { fill: var(--memory-soft); }
.curve { fill: none; stroke: var(--memory); stroke-width: 2px; vector-effect: non-scaling-stroke;
  stroke-linejoin: round; }
.curve.guessed { stroke-dasharray: 3 5; }
.key.held { height: 0; border-top: 2px solid var(--memory); }
.key.guessed { border-top-style: dashed; }
.level { font-size: .8rem; color: var(--soft); }

.legend { margin-top: 1rem; padding-top: .8rem; border-top: 1px solid var(--line); font-size: .8rem;
  color: var(--soft); }
.legend ul { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; }
.legend li { display: flex; align-items: center; gap: .45rem; }
.key { display: inline-block; width: 1.8rem; height: .8rem; transform: none; }
.key.wait { height: 0; }

.scroll { overflow-x: auto; margin-bottom: 1.25rem; }
table { border-collapse: collapse; width: 100%; font-size: .87rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .2rem 0 .3rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .9rem .35rem 0; unicode-bidi: isolate;
  border-bottom: 1px solid var(--line); min-width: 4.5rem; overflow-wrap: break-word; }
tbody th { min-width: 8rem; }
thead th { color: var(--soft); font-weight: 500; white-space: nowrap; }
tbody th { font-weight: 600; }
.number { white-space: nowrap; }
tr:target { background: var(--fair-soft); }

@media screen and (max-width: 44rem) {
  :root { --name: 0rem; --result: 0rem; }
  main, footer { padding-left: .75rem; padding-right: .75rem; }
  section { padding: 1rem .9rem; }
  h1 { font-size: 1.3rem; }
  .cards { grid-template-columns: 1fr 1fr; }
  .cards dd { font-size: 1rem; }
  .flags { height: calc(var(--flags) * 1.5rem); }
  .flag { top: calc(var(--flag) * 1.5rem); }
  .row { grid-template-columns: 1fr auto; }
  .row .lane { grid-row: 2; grid-column: 1 / -1; }
  .models .row { grid-template-columns: minmax(0, 1fr) auto; }
  .name { padding-right: .5rem; }
  .name, .result { background: var(--paper); position: relative; z-index: 1; }
  .result { padding-left: .5rem; }
  td:last-child { min-width: 15rem; }
}

@media print {
  :root { color-scheme: light; ${LIGHT} font-size: 11px; --name: 12rem; --result: 10rem; }
  @page { margin: 12mm; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { background: none; font-size: 1rem; }
  main, footer { max-width: none; padding: 0; }
  section { border: none; padding: 0; margin: 1rem 0 0; background: none; }
  .cards > div { break-inside: avoid; }
  .cards { grid-template-columns: repeat(4, 1fr); }
  .row, .errors li, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .skip { display: none; }
  .scroll, pre { overflow: visible; max-height: none; }
  table { font-size: .8rem; }
  th, td, tbody th { padding-right: .5rem; min-width: 0; }
  thead th, .number { white-space: normal; }
}
`;
