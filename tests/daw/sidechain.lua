-- A session with the plugin on a silent bus and a sidechain that receives white noise:
-- `ardour7-lua sidechain.lua FOLDER FORMAT URI`. Prints the value of slot 1 with the sidechain chosen and
-- not connected, connected, and with the main input chosen.
local folder, format, uri = arg[1], arg[2], arg[3]
AudioEngine:set_backend("None (Dummy)", "", "")
AudioEngine:set_device_name("Uniform White Noise")
AudioEngine:set_sample_rate(48000)
AudioEngine:set_buffer_size(512)
create_session(folder, "sidechain", 48000)

local bus
for each in Session:new_audio_route(2, 2, nil, 1, "ducked", ARDOUR.PresentationInfo.Flag.AudioBus,
  ARDOUR.PresentationInfo.max_order):iter() do bus = each end
local insert = ARDOUR.LuaAPI.new_plugin(Session, uri, ARDOUR.PluginType[format], "")
assert(not insert:isnil(), "there is no " .. uri)
bus:add_processor_by_index(insert, 0, nil, true)
assert(bus:add_sidechain(insert), "it has no sidechain")
ARDOUR.LuaAPI.usleep(200000)

local plugin, controls = insert:to_insert():plugin(0), {}
for i = 0, plugin:parameter_count() - 1 do
  controls[plugin:parameter_label(plugin:nth_parameter(i, false))] = i
end

local function set(name, value)
  assert(ARDOUR.LuaAPI.set_processor_param(insert, controls[name], value), name)
end

local function value()
  local now = ARDOUR.LuaAPI.get_processor_param(insert, controls["Slot 1 value"])
  return now
end

local function wait_until(holds)
  for _ = 1, 100 do
    ARDOUR.LuaAPI.usleep(50000)
    if holds(value()) then break end
  end
end

set("Slot 1 source", 1)
set("Analysis input", 1)
ARDOUR.LuaAPI.usleep(500000)
print("unconnected\t" .. value())
local sidechain = insert:to_insert():sidechain_input()
sidechain:nth(0):connect("system:capture_1")
sidechain:nth(1):connect("system:capture_2")
wait_until(function(now) return now > 0.3 end)
print("connected\t" .. value())
set("Analysis input", 0)
wait_until(function(now) return now < 0.01 end)
print("main\t" .. value())

bus, insert, plugin, sidechain = nil, nil, nil, nil
collectgarbage()
close_session()
