// Entry point: views by path, keyboard shortcuts, theme, status line.

import { ChartsView } from "./charts_view.js";
import { CompareView } from "./compare.js";
import { DiagnoseView } from "./diagnose.js";
import { HealthView } from "./health.js";
import { listen } from "./keys.js";
import { LogsView } from "./logs.js";
import { MetricsView } from "./metrics.js";
import { ModelView } from "./model.js";
import { start } from "./router.js";
import { SqlView } from "./sql.js";
import { watchStatus } from "./status.js";
import { themeButton } from "./theme_button.js";
import { TraceView } from "./trace.js";
import { TracesView } from "./traces.js";

themeButton();
listen();
start([
  [/^\/$/, new HealthView()],
  [/^\/traces\/?$/, new TracesView()],
  [/^\/trace\/([0-9a-f]{32})\/?$/i, new TraceView()],
  [/^\/logs\/?$/, new LogsView()],
  [/^\/charts\/?$/, new ChartsView()],
  [/^\/metrics\/?$/, new MetricsView()],
  [/^\/diagnose\/?$/, new DiagnoseView()],
  [/^\/compare\/?$/, new CompareView()],
  [/^\/model\/?$/, new ModelView()],
  [/^\/sql\/?$/, new SqlView()],
]);
watchStatus();
