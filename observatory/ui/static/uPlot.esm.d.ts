// Keeps the type checker from checking uPlot.esm.js itself.
declare const uPlot: any;
export default uPlot;
