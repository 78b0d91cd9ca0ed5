{
  "targets": [
    {
      "target_name": "cuda_shutdown",
      "type": "none",
      "actions": [
        {
          "action_name": "cmake_js",
          "inputs": [
            "CMakeLists.txt",
            "<!@(find native -type f)"
          ],
          "outputs": ["build/Release/cuda_shutdown_simulated.node"],
          "action": ["node", "<!(node -p \"require.resolve('cmake-js/bin/cmake-js')\")", "build"]
        }
      ]
    }
  ]
}
