-- A session with the plugin on a bus that receives white noise: `ardour7-lua ardour.lua FOLDER FORMAT
-- URI` makes, runs and saves it, then loads and runs it again. Prints a line a parameter each time.
local folder, format, uri = arg[1], arg[2], arg[3]

local function engine()
  AudioEngine:set_backend("None (Dummy)", "", "")
  AudioEngine:set_device_name("Uniform White Noise")
  AudioEngine:set_sample_rate(48000)
  AudioEngine:set_buffer_size(512)
end

local function controls(insert)
  local plugin, all = insert:to_insert():plugin(0), {}
  for i = 0, plugin:parameter_count() - 1 do
    local id = plugin:nth_parameter(i, false)
    all[plugin:parameter_label(id)] = i
  end
  return all
end

local function print_all(when, insert)
  for name, i in pairs(controls(insert)) do
    local value = ARDOUR.LuaAPI.get_processor_param(insert, i)
    print(when .. "\t" .. name .. "\t" .. value)
  end
end

local function wait_for(insert, ...)
  for _, name in ipairs({...}) do
    local i, tries = controls(insert)[name], 0
    while ARDOUR.LuaAPI.get_processor_param(insert, i) < 0.3 and tries < 100 do
      ARDOUR.LuaAPI.usleep(50000)
      tries = tries + 1
    end
  end
end

engine()
create_session(folder, "kept", 48000)
local buses = Session:new_audio_route(2, 2, nil, 1, "hear", ARDOUR.PresentationInfo.Flag.AudioBus,
  ARDOUR.PresentationInfo.max_order)
local bus
for each in buses:iter() do bus = each end
bus:input():nth(0):connect("system:capture_1")
bus:input():nth(1):connect("system:capture_2")
local insert = ARDOUR.LuaAPI.new_plugin(Session, uri, ARDOUR.PluginType[format], "")
assert(not insert:isnil(), "there is no " .. uri)
bus:add_processor_by_index(insert, 0, nil, true)
ARDOUR.LuaAPI.usleep(200000)
print_all("before", insert)
for name, value in pairs({["Slot 1 source"] = 1, ["Slot 2 source"] = 4, ["Slot 2 curve"] = 2,
                          ["Slot 2 target"] = 1, ["Slot 3 attack"] = 0.25}) do
  assert(ARDOUR.LuaAPI.set_processor_param(insert, controls(insert)[name], value), name)
end
wait_for(insert, "Slot 1 value", "Slot 2 value")
print_all("played", insert)
Session:save_state("")

bus, buses, insert = nil, nil, nil
collectgarbage()
close_session()
engine()
load_session(folder, "kept")
insert = Session:route_by_name("hear"):nth_plugin(0)
wait_for(insert, "Slot 1 value", "Slot 2 value")
print_all("loaded", insert)
