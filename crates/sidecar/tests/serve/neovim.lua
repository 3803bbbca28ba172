-- Drives Neovim as a person would: opens a spec and asks about it. Arguments: plug-in, program, spec.
-- Says what came of it as JSON on the last line.

local arguments = vim.split(vim.env.STORY, "\n")
package.path = arguments[1] .. "/?.lua;" .. package.path
require("aml_debug").setup({ cmd = { arguments[2], "serve" } })
vim.cmd("filetype on")
vim.cmd("edit " .. arguments[3])

local function ask(method, line, column, more)
  local text = { uri = vim.uri_from_bufnr(0) }
  local params = vim.tbl_extend("force", { textDocument = text, position = { line = line, character = column } }, more or {})
  for _, answer in pairs(vim.lsp.buf_request_sync(0, method, params, 20000) or {}) do
    return answer.result
  end
end

local seen = {}
vim.wait(20000, function() return #vim.diagnostic.get(0) > 0 end)
seen.found = vim.tbl_map(function(found) return found.message end, vim.diagnostic.get(0))

local at = { line = 2, character = 2 }
local actions = ask("textDocument/codeAction", 2, 2, { range = { start = at, ["end"] = at }, context = { diagnostics = {} } })
seen.fixes = vim.tbl_map(function(action) return action.title end, actions or {})
vim.lsp.util.apply_workspace_edit(actions[1].edit, "utf-16")
vim.wait(20000, function() return #vim.diagnostic.get(0) == 0 end)
seen.mended = #vim.diagnostic.get(0) == 0
seen.line = vim.api.nvim_buf_get_lines(0, 2, 3, false)[1]

seen.meaning = ask("textDocument/hover", 2, 2).contents.value
seen.leads = vim.tbl_map(function(place) return place.uri:match("[^/]+$") end, ask("textDocument/definition", 4, 14))
seen.lenses = vim.tbl_map(function(lens) return lens.command.title end, ask("textDocument/codeLens", 0, 0))
vim.api.nvim_buf_set_lines(0, -1, -1, false, { "compu" })
seen.offers = vim.tbl_map(function(item) return item.label end, ask("textDocument/completion", 6, 5).items)
seen.offers = vim.tbl_filter(function(label) return label:match("^comp") end, seen.offers)

io.stdout:write("\nseen: " .. vim.json.encode(seen) .. "\n")
vim.cmd("qa!")
