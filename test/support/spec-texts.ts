/** Specs that say as much as specs can, for tests that break them. */

export const yamlSpecs = `apiVersion: hob.dev/v1alpha1
kind: Container
metadata: {name: web, namespace: team, labels: {app: web}, annotations: {example.org/why: "because"}}
spec:
  rootfs: {path: /srv/web}
  command: [/bin/web, "-p", '80']
  args: [--verbose]
  env:
    - {name: A, value: "1"}
    - &b {name: B, value: x}
    - *b
  user: {uid: 0, gid: 0, additionalGids: [5]}
  workingDir: /srv
  hostname: web
  terminal: false
  mounts:
    - source: /srv/data
      destination: /data
      options: [ro]
    - {destination: /scratch, type: tmpfs, options: [size=1m]}
  devices: [{path: /dev/fuse, hostPath: /dev/null, permissions: rwm}]
  resources: {memory: 64Mi, swap: 1Mi, cpuQuota: 500m, cpuShares: 100, cpus: "0-1", pids: 10}
  rlimits: [{type: RLIMIT_NOFILE, soft: 10, hard: 20}]
  capabilities: {add: [NET_ADMIN], drop: [ALL]}
  seccomp: {type: Unconfined}
  network: none
  sysctls: {kernel.msgmax: "1"}
  log: {maxSize: 1Mi, maxFiles: 2}
  restartPolicy: OnFailure
  stopSignal: SIGUSR1
  plugins:
    - name: p
      timeoutSeconds: 5
      data: |
        text
        more
  ociPatch: {process: {oomScoreAdj: 10}, hostname: null}
---
apiVersion: hob.dev/v1alpha1
kind: Container
metadata: {name: two}
spec:
  bundle: {path: /srv/two}
  userNamespace: {hostUID: 100000, hostGID: 100000}
`;

/** One that says little: read fast, so that many ways to break it can be tried. */
export const shortSpec = `apiVersion: hob.dev/v1alpha1
kind: Container
metadata: {name: web}
spec:
  rootfs: {path: /srv/web}
  command: [/bin/web, "-p", '80']
  env:
    - {name: A, value: "1"}
  resources: {memory: 64Mi, cpuQuota: 500m}
  # the end
`;
