-- Ardour plays white noise through the plugin for some seconds:
-- ardour7-lua ardour.lua FOLDER URI FRAMES SECONDS MODEL
local folder, uri, frames, seconds, model = arg[1], arg[2], tonumber(arg[3]), tonumber(arg[4]), tonumber(arg[5])
AudioEngine:set_backend("None (Dummy)", "", "")
AudioEngine:set_device_name("Uniform White Noise")
AudioEngine:set_sample_rate(48000)
AudioEngine:set_buffer_size(frames)
create_session(folder, "timed", 48000)
local buses = Session:new_audio_route(2, 2, nil, 1, "hear", ARDOUR.PresentationInfo.Flag.AudioBus,
  ARDOUR.PresentationInfo.max_order)
local bus
for each in buses:iter() do bus = each end
bus:input():nth(0):connect("system:capture_1")
bus:input():nth(1):connect("system:capture_2")
local insert = ARDOUR.LuaAPI.new_plugin(Session, uri, ARDOUR.PluginType.LV2, "")
assert(not insert:isnil(), "there is no " .. uri)
bus:add_processor_by_index(insert, 0, nil, true)
local plugin = insert:to_insert():plugin(0)
for i = 0, plugin:parameter_count() - 1 do
  local id = plugin:nth_parameter(i, false)
  if plugin:parameter_label(id) == "Model" then ARDOUR.LuaAPI.set_processor_param(insert, i, model) end
end
ARDOUR.LuaAPI.usleep(seconds * 1000000)
bus, buses, insert, plugin = nil, nil, nil, nil
collectgarbage()
close_session()
