/** The look of the report: one accent, system fonts, light, dark and paper from the same rules. */

const light = `
--bg:#fcfcfb;--raised:#fff;--ink:#1d1f24;--muted:#62666f;--line:#e3e3df;--grid:#ebebe7;--accent:#2f55c8;
--good:#19703f;--good-bg:#e9f5ed;--bad:#b02a22;--bad-bg:#fcecea;--warn:#7d5200;--warn-bg:#fbf1da;
--quiet:#5c6069;--quiet-bg:#f0f0ed;--busy:#2f55c8;--busy-bg:#eaeffc;
--s1:#2f55c8;--s2:#c05212;--s3:#127a6b;--s4:#8a45ad;--s5:#8c6a00;--s6:#586070;`;

const dark = `
--bg:#141518;--raised:#1b1d21;--ink:#e6e7ea;--muted:#9ca1ab;--line:#30333a;--grid:#282b31;--accent:#93adff;
--good:#6fce97;--good-bg:#17291f;--bad:#ff938a;--bad-bg:#331c1b;--warn:#ebb64e;--warn-bg:#2e2512;
--quiet:#a7abb5;--quiet-bg:#25272c;--busy:#93adff;--busy-bg:#1d2540;
--s1:#93adff;--s2:#f49a5f;--s3:#56c9b4;--s4:#cf9fee;--s5:#dfbb4b;--s6:#aab0bc;`;

const base = `
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%;scroll-padding-top:4rem}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
main,footer{max-width:1120px;margin:0 auto;padding:0 clamp(16px,4vw,40px)}
main{padding-top:clamp(28px,6vw,72px)}
h1,h2,h3,h4,p,ul,dl,figure,pre{margin:0}
h1{font-size:clamp(30px,5vw,42px);line-height:1.12;letter-spacing:-.022em;font-weight:650}
h2{font-size:26px;line-height:1.2;letter-spacing:-.014em;font-weight:640}
h3{font-size:18px;line-height:1.3;font-weight:620;margin:36px 0 14px}
h4{font-size:15px;line-height:1.35;font-weight:620}
a{color:var(--accent)}
code,pre{font:.875em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
pre{white-space:pre-wrap}
.muted{color:var(--muted);font-weight:400}
.kicker{color:var(--accent);font-size:14px;font-weight:600;margin-bottom:8px}
.kicker code{color:var(--muted);font-weight:400;margin-left:8px}
.lead{color:var(--muted);max-width:68ch;margin-top:6px}
header .lead{font-size:18px}
section{padding-top:72px}
section>.lead{margin-bottom:28px}
section>h3:first-of-type{margin-top:0}
section>.empty+h3:first-of-type,section>details+h3:first-of-type{margin-top:32px}
.empty,.note,.caption{color:var(--muted);font-size:14px}
.note{margin-top:8px}
.sprite{position:absolute;width:0;height:0}
.icon{width:1em;height:1em;flex:none;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}`;

const parts = `
.good{--tone:var(--good);--tone-bg:var(--good-bg)}.bad{--tone:var(--bad);--tone-bg:var(--bad-bg)}
.warn{--tone:var(--warn);--tone-bg:var(--warn-bg)}.quiet{--tone:var(--quiet);--tone-bg:var(--quiet-bg)}
.busy{--tone:var(--busy);--tone-bg:var(--busy-bg)}
.badge{display:inline-flex;align-items:center;gap:5px;padding:1px 9px 1px 7px;border-radius:99px;background:var(--tone-bg);color:var(--tone);font-size:13px;font-weight:600;line-height:1.6;white-space:nowrap}
.badge .icon{width:13px;height:13px;stroke-width:2.4}
.verdict{display:flex;gap:16px;align-items:flex-start;margin:32px 0 0;padding:22px 24px;border-radius:14px;background:var(--tone-bg)}
.verdict>.icon{width:28px;height:28px;margin-top:3px;color:var(--tone)}
.verdict .sentence{font-size:22px;line-height:1.3;font-weight:640;letter-spacing:-.01em;color:var(--tone);margin-bottom:4px}
.problem{margin-top:14px;padding:16px 20px;border:1px solid var(--line);border-radius:12px;background:var(--raised)}
.problem pre{margin-top:8px}
.facts{display:grid;gap:14px 32px;grid-template-columns:1fr}
.facts>div{display:grid;grid-template-columns:minmax(0,11rem) minmax(0,1fr);gap:4px 20px}
dt{color:var(--muted);font-size:14px;line-height:1.7}
dd{margin:0}
dd ul{padding-left:1.1em}
.facts.strip{display:flex;flex-wrap:wrap;gap:18px 40px;margin-top:28px}
.facts.strip>div{display:block}
.facts.strip.small{font-size:15px;gap:12px 36px;margin:14px 0 18px}
.facts.inline{gap:4px;margin-top:10px;font-size:15px}
.facts.inline>div{grid-template-columns:minmax(0,6rem) minmax(0,1fr)}
nav{position:sticky;top:0;z-index:1;display:flex;gap:4px 22px;margin-top:40px;padding:13px 0;background:var(--bg);border-bottom:1px solid var(--line);overflow-x:auto;scrollbar-width:none;white-space:nowrap;font-size:14px}
nav a{color:var(--muted);text-decoration:none}
nav a:hover{color:var(--accent)}
.question{font-size:clamp(20px,3vw,25px);line-height:1.3;letter-spacing:-.012em;font-weight:560;max-width:34ch;margin-bottom:32px;text-wrap:balance}
.question::first-letter{text-transform:uppercase}
.columns{display:grid;grid-template-columns:minmax(0,1.25fr) minmax(0,1fr);gap:32px 64px;align-items:start}
details{margin-top:16px;font-size:14px}
summary{color:var(--muted);cursor:pointer;width:fit-content}
summary:hover{color:var(--accent)}
details>*:not(summary){margin-top:12px}
.findings{list-style:none;padding:0;display:grid;gap:14px}
.finding{padding:18px 22px;border:1px solid var(--line);border-radius:12px;background:var(--raised)}
.title{display:flex;flex-wrap:wrap;gap:4px 10px;align-items:center}
.contract+.contract,.signal+.signal{margin-top:56px}
.leakage+.leakage{margin-top:36px}
.leakage>.caption{margin-bottom:4px}
.contract h3,.signal h3{margin:0 0 4px}
.signal>.caption{margin-bottom:18px}
.hook{margin-top:28px;padding:20px 24px;border:1px solid var(--line);border-radius:12px;background:var(--raised)}
.hook h4{display:flex;flex-wrap:wrap;gap:6px 12px;align-items:center;margin-bottom:8px}
.hook p{font-size:15px}
.hook table{margin-top:14px}
.decoration{width:1%}
.timeline{position:relative;display:block;width:120px;height:6px;border-radius:3px;background:var(--grid);margin-top:9px}
.timeline span{position:absolute;top:0;bottom:0;min-width:3px;border-radius:3px;background:var(--accent)}
.failure{margin-top:6px}
td p{margin-top:4px}
td details{margin-top:6px}
td ul{padding-left:1.1em}
.facts.inline.asked>div{grid-template-columns:minmax(0,7.5rem) minmax(0,1fr)}
footer{padding-top:80px;padding-bottom:48px;color:var(--muted);font-size:14px}`;

const tables = `
table{border-collapse:collapse;width:100%;font-size:15px}
th{font-weight:550;color:var(--muted);font-size:13px;text-align:left}
td,th{padding:10px 20px 10px 0;border-bottom:1px solid var(--line);vertical-align:top}
td:last-child,th:last-child{padding-right:0}
tbody tr:last-child>*{border-bottom:0}
.number{text-align:right;white-space:nowrap}
.text .number,.text .narrow{width:1%;white-space:nowrap}
.text th{overflow-wrap:normal}.text td{min-width:5.5rem}.text td:first-child{min-width:8.5rem}.text td.wide{min-width:9rem}.text td.short{min-width:2.5rem}.text td.number,.text td.narrow{min-width:0}
.data{width:auto;min-width:min(100%,260px);font-size:14px;overflow-wrap:normal}
.data td,.data th{padding:6px 22px 6px 0;white-space:nowrap}
.data .long{white-space:normal;overflow-wrap:anywhere;min-width:11rem}
.data td:last-child,.data th:last-child{padding-right:0}
.data th{vertical-align:bottom}
.scroll{overflow-x:auto;max-width:100%;overscroll-behavior-x:contain}
.tall{max-height:300px;overflow-y:auto}
.tall thead th{position:sticky;top:0;background:var(--bg)}
.costs{font-size:15px}
.costs caption{text-align:left;color:var(--muted);font-size:14px;margin-bottom:8px}
.costs td,.costs tbody th{border-bottom:1px solid var(--line);padding:12px 16px 12px 0}
.costs tbody tr:last-child>*{border-bottom:0}
.costs tbody th{color:var(--ink);font-size:14px}
.costs .amount{display:block;font-size:22px;line-height:1.25;font-weight:600;letter-spacing:-.01em}
.costs td .muted{font-size:13px}`;

const drawings = `
.figures{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:24px}
.figures>figure.table:only-child{grid-column:1/-1;justify-self:start;max-width:100%}
.figures>figure.broad{grid-column:1/-1}
.figures>figure,.observations{min-width:0;padding:20px 22px 16px;border:1px solid var(--line);border-radius:12px;background:var(--raised)}
.observations .tall thead th{background:var(--raised)}
figcaption{margin-bottom:12px}
.plot{display:block;width:100%;height:auto;overflow:visible;font:12.5px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:var(--muted)}
.plot text{white-space:pre}
.plot [aria-label$="grid"]{stroke:var(--grid);stroke-opacity:1}
.plot .axis-line{stroke:var(--line)}
.axis{font-size:13px;line-height:1.4}
.axis.x{text-align:right;margin-right:8px}
.plot .diagonal,.plot .reference{stroke:var(--muted);stroke-width:1.2;stroke-dasharray:4 4;stroke-opacity:.8}
.plot .reference-label{fill:var(--muted);font-size:11.5px;stroke:var(--raised);stroke-width:4px;paint-order:stroke;stroke-linejoin:round}
.plot .bars{fill:var(--s1);fill-opacity:.62}
.plot .whisker{stroke:var(--ink);stroke-width:1.5}
.plot .value-label,.plot [aria-label="y-axis tick label"]{fill:var(--ink)}
.legend{display:flex;flex-wrap:wrap;gap:2px 18px;list-style:none;padding:0;margin-bottom:6px;font-size:13px}
.legend li{display:flex;align-items:center;gap:7px}
.legend svg{flex:none}
.panels{list-style:none;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,210px),1fr));gap:26px 32px}
.panel{min-width:0}
.panel.marked h5{color:var(--warn)}
.panel h5{margin:0;font-size:14px;line-height:1.35;font-weight:620;overflow-wrap:anywhere}
.panel .about{color:var(--muted);font-size:13px;line-height:1.4;min-height:1.4em}
.panel .small{display:block;width:100%;height:64px;margin-top:8px;border-bottom:1px solid var(--line)}
.panel .small .first{fill:var(--s1);fill-opacity:.62}
.panel.two .small .first{fill:var(--muted);fill-opacity:.32}
.panel .small .second{fill:none;stroke:var(--s2);stroke-width:1.6;vector-effect:non-scaling-stroke;stroke-linejoin:round}
.panel .ends{display:flex;justify-content:space-between;gap:12px;color:var(--muted);font-size:12px;line-height:1.6}
.panel .shares{display:grid;grid-template-columns:fit-content(5.5rem) minmax(44px,1fr) auto;gap:3px 10px;align-items:center;margin-top:8px;font-size:12.5px;line-height:1.35}
.panel .shares .label{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.panel .shares .share{color:var(--muted);text-align:right}
.panel .track{display:grid;gap:2px}
.panel .track span{display:block;height:8px;border-radius:2px;background:var(--s1);opacity:.62;min-width:1px}
.panel.two .track span{height:5px}
.panel.two .track .first{background:var(--muted);opacity:.5}
.panel.two .track .second{background:var(--s2);opacity:1}
.panel .facts{display:flex;flex-wrap:wrap;gap:0 14px;margin-top:6px;font-size:12.5px;color:var(--muted)}
.panel .facts b{font-weight:560;color:var(--ink)}
.plot .highlight{fill:none;stroke:var(--warn);stroke-width:2}
.plot .highlight-label{fill:var(--warn);font-weight:600;stroke:var(--raised);stroke-width:4px;paint-order:stroke}
.graph{padding:4px 0}
.graph.compact{display:none}
.graph>svg{display:block;margin:0 auto;height:auto;max-width:100%;font:14px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
.node .shape,.node .sheet{fill:var(--raised);stroke:var(--line);stroke-width:1.2}
.node.good .shape,.node.bad .shape,.node.warn .shape,.node.busy .shape,.node.good .sheet,.node.bad .sheet,.node.warn .sheet,.node.busy .sheet{fill:var(--tone-bg);stroke:var(--tone);stroke-opacity:.45}
.node.quiet .shape{stroke-dasharray:4 3}
.diamond text{text-anchor:middle}
.cluster rect{fill:none;stroke:var(--muted);stroke-opacity:.5;stroke-width:1.2;stroke-dasharray:2 3}
.cluster text{font-size:12px;font-weight:560;fill:var(--muted)}
.edge.branch{stroke-dasharray:2 4}
.node .icon{color:var(--tone);stroke-width:2.4}
.node .name{font-weight:620;fill:var(--ink)}
.node .detail{font-size:12px;fill:var(--muted)}
.edge{fill:none;stroke:var(--muted);stroke-opacity:.6;stroke-width:1.4}
.edge.back{stroke:var(--accent);stroke-opacity:1;stroke-dasharray:6 4}
.arrowhead{fill:var(--muted)}
.arrowhead.back{fill:var(--accent)}
.label rect{fill:var(--bg)}
.label text{font:11px ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;fill:var(--muted);text-anchor:middle}
.label.back text{fill:var(--accent)}`;

const narrow = `
@media screen and (max-width:860px){.columns,.figures{grid-template-columns:minmax(0,1fr)}}
@media screen and (max-width:720px){
section{padding-top:56px}
.facts>div{grid-template-columns:minmax(0,1fr);gap:0}
.facts.strip{gap:14px 32px}
.facts.inline>div{grid-template-columns:minmax(0,5.2rem) minmax(0,1fr);gap:12px}
.verdict{padding:18px;gap:12px}
.verdict .sentence{font-size:20px}
.figures>figure,.observations,.hook,.finding{padding:16px}
.graph{display:none}
.graph.compact{display:block}
.graph.compact>svg{max-width:none}
.text thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.text,.text tbody,.text tr,.text th,.text td{display:block;width:auto}
.text tr{padding:12px 0;border-bottom:1px solid var(--line)}
.text tbody tr:last-child{border-bottom:0}
.text tr>td[class]{display:grid;grid-template-columns:5.2rem minmax(0,1fr);gap:12px;width:auto;min-width:0;padding:2px 0;border:0;text-align:left;white-space:normal}
.text td::before{content:attr(data-label);color:var(--muted);font-size:13px;line-height:1.8}
.text tr>td:empty,.text tr>td.decoration{display:none}
.text tr>td:first-child{display:block;font-weight:600;padding-bottom:4px}
.text td:first-child::before{content:none}
.plot{font-size:17px}
.plot .reference-label{font-size:15px}
.bar .plot{font-size:15px}}`;

const paper = `
@page{margin:16mm 14mm}
@media print{
:root{${light}--bg:#fff}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
body{font-size:10.5pt}
nav,details:not([open]){display:none}
main,footer{max-width:none;padding:0}
section{padding-top:28pt}
h2,h3,h4,section>.lead{break-after:avoid}
figure,.finding,.verdict,.hook h4,tr,.graph>svg{break-inside:avoid}
.tall{max-height:none}
.scroll{overflow:visible}
.figures{align-items:start}}`;

/** The style sheet. */
export const style: string = [
  `:root{color-scheme:light dark;${light}}`,
  `@media (prefers-color-scheme:dark){:root{${dark}}}`,
  base,
  parts,
  tables,
  drawings,
  narrow,
  paper,
]
  .join("\n")
  .replaceAll(/\n+/g, "\n");
