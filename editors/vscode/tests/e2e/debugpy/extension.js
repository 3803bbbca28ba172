// Connects to where a configuration says, as the extension does whose id this has.
const vscode = require("vscode");

exports.activate = ({ subscriptions }) => {
  const createDebugAdapterDescriptor = ({ configuration: { connect } }) => new vscode.DebugAdapterServer(Number(connect.port), connect.host);
  subscriptions.push(vscode.debug.registerDebugAdapterDescriptorFactory("debugpy", { createDebugAdapterDescriptor }));
};
