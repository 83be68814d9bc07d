// Package validate holds the manifests to the types of the Kubernetes API: an unknown or misspelt field is a
// failure. It is a module of its own, so that the program's stays small.
package validate

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// build renders a kustomization in memory; with, if not empty, is added to its components.
func build(t *testing.T, overlay, with string) map[string]any {
	t.Helper()
	fs := filesys.MakeFsOnDisk()
	if with != "" {
		fs = copied(t)
		file := "/k/overlays/" + overlay + "/kustomization.yaml"
		text, err := fs.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		commented := "# components: [../../components/" + with + "]"
		if !bytes.Contains(text, []byte(commented)) {
			t.Fatalf("%s does not show %s", file, commented)
		}
		if err := fs.WriteFile(file, bytes.Replace(text, []byte(commented), []byte(commented[2:]), 1)); err != nil {
			t.Fatal(err)
		}
	}
	top := ".."
	if with != "" {
		top = "/k"
	}
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = types.LoadRestrictionsRootOnly
	result, err := krusty.MakeKustomizer(options).Run(fs, top+"/overlays/"+overlay)
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string]any{}
	for _, r := range result.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		name := r.GetKind() + "/" + r.GetName()
		o, err := typed(r.GetApiVersion(), r.GetKind(), text)
		if err != nil {
			t.Errorf("%s %s: %v", overlay, name, err)
			continue
		}
		objects[name] = o
	}
	return objects
}

// copied is the folder in memory under /k, so that a test can change it.
func copied(t *testing.T) filesys.FileSystem {
	t.Helper()
	disk, memory := filesys.MakeFsOnDisk(), filesys.MakeFsInMemory()
	err := disk.Walk("..", func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() || strings.Contains(path, "validate") {
			return err
		}
		text, err := disk.ReadFile(path)
		if err != nil {
			return err
		}
		return memory.WriteFile("/k"+strings.TrimPrefix(path, ".."), text)
	})
	if err != nil {
		t.Fatal(err)
	}
	return memory
}

// typed reads text strictly as the API's own type.
func typed(version, kind string, text []byte) (any, error) {
	kinds := map[string]any{
		"v1/Namespace": &corev1.Namespace{}, "v1/ServiceAccount": &corev1.ServiceAccount{}, "v1/Service": &corev1.Service{},
		"v1/ConfigMap": &corev1.ConfigMap{}, "apps/v1/Deployment": &appsv1.Deployment{}, "batch/v1/Job": &batchv1.Job{},
		"batch/v1/CronJob": &batchv1.CronJob{}, "policy/v1/PodDisruptionBudget": &policyv1.PodDisruptionBudget{},
		"networking.k8s.io/v1/NetworkPolicy": &networkingv1.NetworkPolicy{},
	}
	o := kinds[version+"/"+kind]
	if o == nil {
		return nil, fmt.Errorf("%s %s is not expected here", version, kind)
	}
	inJSON, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return nil, err
	}
	// The API server's own reader: unlike encoding/json it tells timezone from timeZone.
	unknown, err := json.UnmarshalStrict(inJSON, o)
	return o, errors.Join(append(unknown, err)...)
}

func TestOverlays(t *testing.T) {
	for _, tt := range []struct {
		overlay, component string
		want               []string
	}{
		{"cronjob", "", []string{"CronJob/mailaudit", "Deployment/mailaudit"}},
		{"serve", "", []string{"PodDisruptionBudget/mailaudit", "Deployment/mailaudit"}},
		{"cronjob", "migrate-job", []string{"CronJob/mailaudit", "Deployment/mailaudit", "Job/mailaudit-migrate"}},
		{"serve", "migrate-job", []string{"Deployment/mailaudit", "Job/mailaudit-migrate"}},
		{"cronjob", "opener", []string{"CronJob/mailaudit", "Deployment/mailaudit"}},
		{"serve", "opener", []string{"Deployment/mailaudit"}},
	} {
		objects := build(t, tt.overlay, tt.component)
		for _, name := range append(tt.want, "Namespace/mailaudit", "NetworkPolicy/mailaudit", "Service/mailaudit", "ServiceAccount/mailaudit") {
			if objects[name] == nil {
				t.Errorf("%s: no %s", tt.overlay, name)
			}
		}
		policy, _ := objects["NetworkPolicy/mailaudit"].(*networkingv1.NetworkPolicy)
		for name, o := range objects {
			pod := podOf(o)
			if pod == nil {
				continue
			}
			at := tt.overlay + " " + name
			restricted(t, at, pod)
			accepted(t, at, policyOf(o), pod)
			wired(t, at, pod, objects)
			for key, value := range policy.Spec.PodSelector.MatchLabels {
				if pod.Labels[key] != value {
					t.Errorf("%s: the NetworkPolicy does not hold for it", at)
				}
			}
			if tt.component == "opener" {
				sidecar(t, at, pod)
			}
			migrates(t, at, pod, tt.component == "migrate-job")
		}
		if len(policy.Spec.PodSelector.MatchLabels) == 0 {
			t.Errorf("%s: the NetworkPolicy selects everything", tt.overlay)
		}
	}
}

// policyOf gives what a failed pod means to a job, nil where there is none.
func policyOf(o any) *batchv1.PodFailurePolicy {
	switch o := o.(type) {
	case *batchv1.Job:
		return o.Spec.PodFailurePolicy
	case *batchv1.CronJob:
		return o.Spec.JobTemplate.Spec.PodFailurePolicy
	}
	return nil
}

// accepted holds a policy to what the API server requires and the types do not: it refuses a CronJob whose pattern leaves
// the status out, which it would default in a Job, and one that names no container of the pod.
func accepted(t *testing.T, at string, policy *batchv1.PodFailurePolicy, pod *corev1.PodTemplateSpec) {
	t.Helper()
	if policy == nil {
		return
	}
	for _, rule := range policy.Rules {
		if codes := rule.OnExitCodes; codes != nil && codes.ContainerName != nil && !slices.ContainsFunc(append(pod.Spec.Containers, pod.Spec.InitContainers...),
			func(c corev1.Container) bool { return c.Name == *codes.ContainerName }) {
			t.Errorf("%s: podFailurePolicy names container %s, and there is none", at, *codes.ContainerName)
		}
		for _, pattern := range rule.OnPodConditions {
			if pattern.Status == "" {
				t.Errorf("%s: podFailurePolicy: the condition %s has no status", at, pattern.Type)
			}
		}
	}
}

func podOf(o any) *corev1.PodTemplateSpec {
	switch o := o.(type) {
	case *appsv1.Deployment:
		return &o.Spec.Template
	case *batchv1.Job:
		return &o.Spec.Template
	case *batchv1.CronJob:
		return &o.Spec.JobTemplate.Spec.Template
	}
	return nil
}

// restricted holds a pod to the Pod Security Standard of that name, and to a read-only file system.
func restricted(t *testing.T, at string, pod *corev1.PodTemplateSpec) {
	t.Helper()
	s := pod.Spec.SecurityContext
	if s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.RunAsUser == nil || *s.RunAsUser == 0 ||
		s.SeccompProfile == nil || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("%s: the pod is not restricted: %+v", at, s)
	}
	if m := pod.Spec.AutomountServiceAccountToken; m == nil || *m {
		t.Errorf("%s: it is given a token of the API", at)
	}
	for _, c := range append(pod.Spec.Containers, pod.Spec.InitContainers...) {
		s := c.SecurityContext
		if s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.ReadOnlyRootFilesystem == nil ||
			!*s.ReadOnlyRootFilesystem || s.Capabilities == nil || len(s.Capabilities.Drop) != 1 || s.Capabilities.Drop[0] != "ALL" {
			t.Errorf("%s: container %s is not restricted: %+v", at, c.Name, s)
		}
		if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
			t.Errorf("%s: container %s has no memory limit or no CPU request", at, c.Name)
		}
		if c.Resources.Limits.StorageEphemeral().IsZero() || c.Resources.Requests.StorageEphemeral().IsZero() {
			t.Errorf("%s: container %s has no request or limit of ephemeral storage", at, c.Name)
		}
		for _, e := range c.Env {
			if e.Value != "" && strings.Contains(strings.ToLower(e.Name), "key") {
				t.Errorf("%s: %s holds a secret in clear", at, e.Name)
			}
		}
	}
	for _, v := range pod.Spec.Volumes {
		if v.HostPath != nil {
			t.Errorf("%s: volume %s is the node's own", at, v.Name)
		}
	}
}

// wired follows the names from one object to the next.
func wired(t *testing.T, at string, pod *corev1.PodTemplateSpec, objects map[string]any) {
	t.Helper()
	volumes := map[string]bool{}
	for _, v := range pod.Spec.Volumes {
		volumes[v.Name] = true
		if v.ConfigMap != nil && objects["ConfigMap/"+v.ConfigMap.Name] == nil {
			t.Errorf("%s: there is no ConfigMap %s", at, v.ConfigMap.Name)
		}
	}
	if objects["ServiceAccount/"+pod.Spec.ServiceAccountName] == nil {
		t.Errorf("%s: there is no ServiceAccount %s", at, pod.Spec.ServiceAccountName)
	}
	for _, c := range append(pod.Spec.Containers, pod.Spec.InitContainers...) {
		if c.Image == "mailaudit" {
			t.Errorf("%s: the overlay does not say where the image is", at)
		}
		for _, m := range c.VolumeMounts {
			if !volumes[m.Name] {
				t.Errorf("%s: there is no volume %s", at, m.Name)
			}
		}
	}
	for key, value := range pod.Labels {
		if problems := validation.IsValidLabelValue(value); len(problems) > 0 {
			t.Errorf("%s: label %s: %v", at, key, problems)
		}
	}
}

func sidecar(t *testing.T, at string, pod *corev1.PodTemplateSpec) {
	t.Helper()
	for _, c := range pod.Spec.InitContainers {
		if c.Name != "opener" {
			continue
		}
		if c.RestartPolicy == nil || *c.RestartPolicy != corev1.ContainerRestartPolicyAlways {
			t.Errorf("%s: the opener is no sidecar; a job with it would not begin", at)
		}
		return
	}
	t.Errorf("%s: there is no opener", at)
}

// migrates holds a pod to bringing the tables up to date before it starts, unless a Job does. A Job in the overlays
// themselves would make the second apply fail: its template cannot be changed.
func migrates(t *testing.T, at string, pod *corev1.PodTemplateSpec, byJob bool) {
	t.Helper()
	main := pod.Spec.Containers[0]
	for _, c := range pod.Spec.InitContainers {
		if c.Name != "migrate" {
			continue
		}
		if byJob {
			t.Errorf("%s: it migrates beside the Job, as a role that may not", at)
		}
		if c.Image != main.Image || strings.Join(c.Args, " ") != "migrate" || fmt.Sprint(c.VolumeMounts) == "" {
			t.Errorf("%s: it migrates with %s %v", at, c.Image, c.Args)
		}
		return
	}
	if !byJob {
		t.Errorf("%s: it starts on tables that nobody has migrated", at)
	}
}

// The Job can be applied again by whoever applies it.
func TestMigrateJobIsReplaced(t *testing.T) {
	job := build(t, "cronjob", "migrate-job")["Job/mailaudit-migrate"].(*batchv1.Job)
	if job.Spec.TTLSecondsAfterFinished == nil {
		t.Error("a finished one stays, and the next apply is refused")
	}
	for key, want := range map[string]string{
		"argocd.argoproj.io/hook": "Sync", "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation", "kustomize.toolkit.fluxcd.io/force": "enabled",
	} {
		if got := job.Annotations[key]; got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
}

// Accounts may name the ports of network.ports; the policy lets no other and all of these out, beside HTTPS.
func TestPolicyOpensThePortsThatAccountsMayName(t *testing.T) {
	text, err := os.ReadFile("../../mailaudit.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var example struct {
		Network struct {
			Ports []int32 `json:"ports"`
		} `json:"network"`
	}
	if err := yaml.Unmarshal(text, &example); err != nil || len(example.Network.Ports) == 0 {
		t.Fatalf("network.ports: %v (%v)", example.Network.Ports, err)
	}
	want := map[int32]bool{443: true}
	for _, port := range example.Network.Ports {
		want[port] = true
	}
	policy := build(t, "cronjob", "")["NetworkPolicy/mailaudit"].(*networkingv1.NetworkPolicy)
	for _, rule := range policy.Spec.Egress {
		if len(rule.To) == 0 || rule.To[0].IPBlock == nil || rule.To[0].IPBlock.CIDR != "0.0.0.0/0" {
			continue
		}
		for _, p := range rule.Ports {
			if !want[p.Port.IntVal] {
				t.Errorf("port %v is open to the internet, and no account may name it", p.Port)
			}
			delete(want, p.Port.IntVal)
		}
	}
	if len(want) > 0 {
		t.Errorf("the policy does not open %v", want)
	}
}

// What the CronJob promises about failures: 2 is not tried again, a drained node uses up no try, two nights do
// not overlap, and a hundred missed starts do not end it.
func TestCronJob(t *testing.T) {
	c, ok := build(t, "cronjob", "")["CronJob/mailaudit"].(*batchv1.CronJob)
	if !ok {
		t.Fatal("there is none")
	}
	s := c.Spec
	if s.TimeZone == nil || s.ConcurrencyPolicy != batchv1.ForbidConcurrent || s.StartingDeadlineSeconds == nil {
		t.Errorf("timeZone %v, concurrencyPolicy %s, startingDeadlineSeconds %v", s.TimeZone, s.ConcurrencyPolicy, s.StartingDeadlineSeconds)
	}
	job := s.JobTemplate.Spec
	if job.Template.Spec.RestartPolicy != corev1.RestartPolicyNever {
		t.Error("podFailurePolicy needs restartPolicy: Never")
	}
	if job.Parallelism == nil || job.Completions != nil || job.ActiveDeadlineSeconds == nil || *job.ActiveDeadlineSeconds < 4*3600 {
		t.Errorf("parallelism %v, completions %v, activeDeadlineSeconds %v", job.Parallelism, job.Completions, job.ActiveDeadlineSeconds)
	}
	var actions []string
	for _, r := range job.PodFailurePolicy.Rules {
		switch {
		case r.OnExitCodes != nil && r.Action == batchv1.PodFailurePolicyActionFailJob:
			actions = append(actions, fmt.Sprint(r.OnExitCodes.Values))
		case len(r.OnPodConditions) == 1 && r.Action == batchv1.PodFailurePolicyActionIgnore:
			actions = append(actions, string(r.OnPodConditions[0].Type))
		}
	}
	if got := strings.Join(actions, " "); got != "DisruptionTarget [2] [2]" {
		t.Errorf("podFailurePolicy: %s", got)
	}
}

func TestServe(t *testing.T) {
	objects := build(t, "serve", "")
	d := objects["Deployment/mailaudit"].(*appsv1.Deployment)
	c := d.Spec.Template.Spec.Containers[0]
	if c.LivenessProbe == nil || c.ReadinessProbe == nil || c.LivenessProbe.HTTPGet.Path != "/healthz" || c.ReadinessProbe.HTTPGet.Path != "/readyz" {
		t.Error("the probes are not the program's")
	}
	if *d.Spec.Replicas < 2 {
		t.Error("with one replica a disruption budget keeps nodes from being drained")
	}
	budget := objects["PodDisruptionBudget/mailaudit"].(*policyv1.PodDisruptionBudget)
	for key, value := range budget.Spec.Selector.MatchLabels {
		if d.Spec.Template.Labels[key] != value {
			t.Errorf("the budget is for other pods: %s", key)
		}
	}
}

// A reader that lets everything pass would find nothing above.
func TestUnknownFieldIsFound(t *testing.T) {
	_, err := typed("batch/v1", "CronJob", []byte("apiVersion: batch/v1\nkind: CronJob\nspec:\n  timezone: UTC\n  scedule: x\n"))
	if err == nil || !strings.Contains(err.Error(), "scedule") || !strings.Contains(err.Error(), "timezone") {
		t.Errorf("%v", err)
	}
}
