-- Azure ML specs in Neovim: diagnostics, completion, hover, definitions, quick fixes and the Run | Debug | Check line,
-- all from `aml-debug serve`. Put this file into a `lua` folder of your runtime path and call
-- `require("aml_debug").setup()`; `:lua vim.lsp.codelens.run()` runs what the cursor's line offers.

local M = {}

--- Attaches the server to YAML files and Python scripts. `options.cmd` is the program, `{ "aml-debug", "serve" }` by default.
function M.setup(options)
  options = options or {}
  local config = {
    name = "aml-debug",
    cmd = options.cmd or { "aml-debug", "serve" },
    root_dir = options.root_dir or vim.fn.getcwd(),
    cmd_env = options.cmd_env,
    on_attach = options.on_attach,
  }
  vim.lsp.commands["amlDebug.run"] = function(command) M.run(command.arguments[1], {}) end
  vim.lsp.commands["amlDebug.submitExperiment"] = vim.lsp.commands["amlDebug.run"]
  vim.lsp.commands["amlDebug.debug"] = function(command) M.run(command.arguments[1], { "--debug" }) end
  vim.lsp.commands["amlDebug.debugStep"] = function(command)
    M.run(command.arguments[1], { "--debug", "--step", command.arguments[2] })
  end
  vim.lsp.commands["amlDebug.deploy"] = function(command) M.run(command.arguments[1], {}, "deploy") end
  vim.lsp.commands["amlDebug.debugDeployment"] = function(command) M.run(command.arguments[1], { "--debug" }, "deploy") end
  vim.lsp.commands["amlDebug.check"] = function() vim.diagnostic.setloclist() end
  vim.api.nvim_create_autocmd("FileType", {
    pattern = { "yaml", "python" },
    callback = function(event)
      if vim.lsp.start then
        vim.lsp.start(config, { bufnr = event.buf })
      else
        M.client = M.client or vim.lsp.start_client(config)
        vim.lsp.buf_attach_client(event.buf, M.client)
      end
    end,
  })
end

--- Runs a spec in a terminal. With `--debug` the program waits, and says where a debugger such as nvim-dap attaches.
function M.run(uri, flags, verb)
  local command = { "aml-debug", verb or "run", vim.uri_to_fname(uri) }
  vim.list_extend(command, flags)
  vim.cmd("botright new")
  vim.fn.termopen(command)
end

return M
