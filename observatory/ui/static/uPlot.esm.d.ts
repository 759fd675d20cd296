// For the type checker only, which would check uPlot.esm.js itself otherwise.
declare const uPlot: any;
export default uPlot;
