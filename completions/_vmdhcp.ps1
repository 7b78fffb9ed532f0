
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'vmdhcp' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'vmdhcp'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'vmdhcp' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('apply', 'apply', [CompletionResultType]::ParameterValue, 'Declare pools and claims from files')
            [CompletionResult]::new('pool', 'pool', [CompletionResultType]::ParameterValue, 'Pools: the addresses of VM networks')
            [CompletionResult]::new('lease', 'lease', [CompletionResultType]::ParameterValue, 'Leases: who has which address, and why not')
            [CompletionResult]::new('standalone', 'standalone', [CompletionResultType]::ParameterValue, 'Serve the pools of one file on this machine''s interfaces')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completion script of a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual page, or write all pages')
            [CompletionResult]::new('crd', 'crd', [CompletionResultType]::ParameterValue, 'Print the CustomResourceDefinitions of both kinds')
            [CompletionResult]::new('version', 'version', [CompletionResultType]::ParameterValue, 'Print the version')
            break
        }
        'vmdhcp;apply' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'YAML or JSON, several documents or a List; - is standard input')
            [CompletionResult]::new('--filename', '--filename', [CompletionResultType]::ParameterName, 'YAML or JSON, several documents or a List; - is standard input')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long --wait waits')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print the object in this format instead of a message')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print the object in this format instead of a message')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Let the API check everything, and store nothing')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Do not return before the change has come into effect')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'vmdhcp;pool' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Create a pool; on a terminal, asks for what is missing')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List pools')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List pools')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show all that is known of a pool')
            [CompletionResult]::new('describe', 'describe', [CompletionResultType]::ParameterValue, 'Show all that is known of a pool')
            [CompletionResult]::new('set', 'set', [CompletionResultType]::ParameterValue, 'Change fields of a pool')
            [CompletionResult]::new('pause', 'pause', [CompletionResultType]::ParameterValue, 'Take pools out of service; their addresses stay')
            [CompletionResult]::new('resume', 'resume', [CompletionResultType]::ParameterValue, 'Put paused pools back into service')
            [CompletionResult]::new('delete', 'delete', [CompletionResultType]::ParameterValue, 'Delete pools that no VM uses')
            break
        }
        'vmdhcp;pool;create' {
            [CompletionResult]::new('--network', '--network', [CompletionResultType]::ParameterName, 'VM network that the pool serves, as NAME or NAMESPACE/NAME')
            [CompletionResult]::new('--cidr', '--cidr', [CompletionResultType]::ParameterName, 'Subnet, for instance 192.168.48.0/24')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long --wait waits')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print the object in this format instead of a message')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print the object in this format instead of a message')
            [CompletionResult]::new('--server-ip', '--server-ip', [CompletionResultType]::ParameterName, 'Address of the DHCP server [default: the first free one of the subnet]')
            [CompletionResult]::new('--range', '--range', [CompletionResultType]::ParameterName, 'Addresses to give out; may be repeated [default: the whole subnet]')
            [CompletionResult]::new('--exclude', '--exclude', [CompletionResultType]::ParameterName, 'Never give these out: an address, FIRST-LAST or a subnet; may be repeated')
            [CompletionResult]::new('--router', '--router', [CompletionResultType]::ParameterName, 'Default gateway of the VMs (option 3)')
            [CompletionResult]::new('--dns', '--dns', [CompletionResultType]::ParameterName, 'Name server (option 6); may be repeated')
            [CompletionResult]::new('--domain-name', '--domain-name', [CompletionResultType]::ParameterName, 'Domain of the VMs (option 15)')
            [CompletionResult]::new('--domain-search', '--domain-search', [CompletionResultType]::ParameterName, 'Domain to search (option 119); may be repeated')
            [CompletionResult]::new('--ntp', '--ntp', [CompletionResultType]::ParameterName, 'Time server, by address or name (option 42); may be repeated')
            [CompletionResult]::new('--lease-time', '--lease-time', [CompletionResultType]::ParameterName, 'Lease time in seconds, or like 5m, 1h, 1d (option 51)')
            [CompletionResult]::new('--min-lease-time', '--min-lease-time', [CompletionResultType]::ParameterName, 'Shortest lease that a VM may ask for')
            [CompletionResult]::new('--max-lease-time', '--max-lease-time', [CompletionResultType]::ParameterName, 'Longest lease that a VM may ask for')
            [CompletionResult]::new('--mtu', '--mtu', [CompletionResultType]::ParameterName, 'Interface MTU in bytes (option 26)')
            [CompletionResult]::new('--route', '--route', [CompletionResultType]::ParameterName, 'Static route (options 121 and 249); may be repeated')
            [CompletionResult]::new('--option', '--option', [CompletionResultType]::ParameterName, 'Any other option, by number or name; TYPE is ip, ips, text, u8, u16, u32, bool or hex; may be repeated')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Let the API check everything, and store nothing')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Do not return before the change has come into effect')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'vmdhcp;pool;list' {
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Only objects with these labels, for instance tier=lab,owner!=me')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Only objects with these labels, for instance tier=lab,owner!=me')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of the list')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of the list')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'List the objects of all namespaces')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'List the objects of all namespaces')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Then go on, and print every change until interrupted')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Then go on, and print every change until interrupted')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'vmdhcp;pool;ls' {
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Only objects with these labels, for instance tier=lab,owner!=me')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Only objects with these labels, for instance tier=lab,owner!=me')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of the list')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of the list')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'List the objects of all namespaces')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'List the objects of all namespaces')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Then go on, and print every change until interrupted')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Then go on, and print every change until interrupted')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'vmdhcp;pool;show' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print the object in this format instead of a message')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print the object in this format instead of a message')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'vmdhcp;pool;describe' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print the object in this format instead of a message')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print the object in this format instead of a message')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'vmdhcp;pool;set' {
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long --wait waits')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print the object in this format instead of a message')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print the object in this format instead of a message')
            [CompletionResult]::new('--server-ip', '--server-ip', [CompletionResultType]::ParameterName, 'Address of the DHCP server [default: the first free one of the subnet]')
            [CompletionResult]::new('--range', '--range', [CompletionResultType]::ParameterName, 'Addresses to give out; may be repeated [default: the whole subnet]')
            [CompletionResult]::new('--exclude', '--exclude', [CompletionResultType]::ParameterName, 'Never give these out: an address, FIRST-LAST or a subnet; may be repeated')
            [CompletionResult]::new('--router', '--router', [CompletionResultType]::ParameterName, 'Default gateway of the VMs (option 3)')
            [CompletionResult]::new('--dns', '--dns', [CompletionResultType]::ParameterName, 'Name server (option 6); may be repeated')
            [CompletionResult]::new('--domain-name', '--domain-name', [CompletionResultType]::ParameterName, 'Domain of the VMs (option 15)')
            [CompletionResult]::new('--domain-search', '--domain-search', [CompletionResultType]::ParameterName, 'Domain to search (option 119); may be repeated')
            [CompletionResult]::new('--ntp', '--ntp', [CompletionResultType]::ParameterName, 'Time server, by address or name (option 42); may be repeated')
            [CompletionResult]::new('--lease-time', '--lease-time', [CompletionResultType]::ParameterName, 'Lease time in seconds, or like 5m, 1h, 1d (option 51)')
            [CompletionResult]::new('--min-lease-time', '--min-lease-time', [CompletionResultType]::ParameterName, 'Shortest lease that a VM may ask for')
            [CompletionResult]::new('--max-lease-time', '--max-lease-time', [CompletionResultType]::ParameterName, 'Longest lease that a VM may ask for')
            [CompletionResult]::new('--mtu', '--mtu', [CompletionResultType]::ParameterName, 'Interface MTU in bytes (option 26)')
            [CompletionResult]::new('--route', '--route', [CompletionResultType]::ParameterName, 'Static route (options 121 and 249); may be repeated')
            [CompletionResult]::new('--option', '--option', [CompletionResultType]::ParameterName, 'Any other option, by number or name; TYPE is ip, ips, text, u8, u16, u32, bool or hex; may be repeated')
            [CompletionResult]::new('--unset', '--unset', [CompletionResultType]::ParameterName, 'Remove a field; may be repeated')
            [CompletionResult]::new('--add-range', '--add-range', [CompletionResultType]::ParameterName, 'Give these addresses out as well')
            [CompletionResult]::new('--remove-range', '--remove-range', [CompletionResultType]::ParameterName, 'No longer give these addresses out')
            [CompletionResult]::new('--add-exclude', '--add-exclude', [CompletionResultType]::ParameterName, 'Never give these out either')
            [CompletionResult]::new('--remove-exclude', '--remove-exclude', [CompletionResultType]::ParameterName, 'No longer exclude these')
            [CompletionResult]::new('--add-dns', '--add-dns', [CompletionResultType]::ParameterName, 'Add a name server')
            [CompletionResult]::new('--remove-dns', '--remove-dns', [CompletionResultType]::ParameterName, 'Remove a name server')
            [CompletionResult]::new('--add-domain-search', '--add-domain-search', [CompletionResultType]::ParameterName, 'Add a domain to search')
            [CompletionResult]::new('--remove-domain-search', '--remove-domain-search', [CompletionResultType]::ParameterName, 'Remove a domain to search')
            [CompletionResult]::new('--add-ntp', '--add-ntp', [CompletionResultType]::ParameterName, 'Add a time server')
            [CompletionResult]::new('--remove-ntp', '--remove-ntp', [CompletionResultType]::ParameterName, 'Remove a time server')
            [CompletionResult]::new('--add-route', '--add-route', [CompletionResultType]::ParameterName, 'Add a static route, or change its gateway')
            [CompletionResult]::new('--remove-route', '--remove-route', [CompletionResultType]::ParameterName, 'Remove the static route to there')
            [CompletionResult]::new('--add-option', '--add-option', [CompletionResultType]::ParameterName, 'Add an option, or change its value')
            [CompletionResult]::new('--remove-option', '--remove-option', [CompletionResultType]::ParameterName, 'Remove an option, by number or name')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Let the API check everything, and store nothing')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Do not return before the change has come into effect')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'vmdhcp;pool;pause' {
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long --wait waits')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print the object in this format instead of a message')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print the object in this format instead of a message')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Let the API check everything, and store nothing')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Do not return before the change has come into effect')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'vmdhcp;pool;resume' {
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long --wait waits')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print the object in this format instead of a message')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print the object in this format instead of a message')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Let the API check everything, and store nothing')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Do not return before the change has come into effect')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'vmdhcp;pool;delete' {
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long --wait waits')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Let the API check everything, and store nothing')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Do not return before the change has come into effect')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'vmdhcp;lease' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List who has which address, and who waits for one')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List who has which address, and who waits for one')
            [CompletionResult]::new('inspect', 'inspect', [CompletionResultType]::ParameterValue, 'Show all that is known of a card, an address or a VM, and why it has no address')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show all that is known of a card, an address or a VM, and why it has no address')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Reserve an address for a MAC: a static lease')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Remove a reservation, or give a retiring address free')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Remove a reservation, or give a retiring address free')
            break
        }
        'vmdhcp;lease;list' {
            [CompletionResult]::new('--pool', '--pool', [CompletionResultType]::ParameterName, 'Only leases of this pool')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Only objects with these labels, for instance tier=lab,owner!=me')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Only objects with these labels, for instance tier=lab,owner!=me')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of the list')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of the list')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'List the objects of all namespaces')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'List the objects of all namespaces')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Then go on, and print every change until interrupted')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Then go on, and print every change until interrupted')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'vmdhcp;lease;ls' {
            [CompletionResult]::new('--pool', '--pool', [CompletionResultType]::ParameterName, 'Only leases of this pool')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Only objects with these labels, for instance tier=lab,owner!=me')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Only objects with these labels, for instance tier=lab,owner!=me')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of the list')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of the list')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'List the objects of all namespaces')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'List the objects of all namespaces')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Then go on, and print every change until interrupted')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Then go on, and print every change until interrupted')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'vmdhcp;lease;inspect' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print what is known as {"leases": [...], "notes": [...]}')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print what is known as {"leases": [...], "notes": [...]}')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Look for the VM in all namespaces')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'Look for the VM in all namespaces')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'vmdhcp;lease;show' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print what is known as {"leases": [...], "notes": [...]}')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print what is known as {"leases": [...], "notes": [...]}')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Look for the VM in all namespaces')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'Look for the VM in all namespaces')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'vmdhcp;lease;add' {
            [CompletionResult]::new('--ip', '--ip', [CompletionResultType]::ParameterName, 'The address')
            [CompletionResult]::new('--hostname', '--hostname', [CompletionResultType]::ParameterName, 'Host name that the card is sent (option 12)')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long --wait waits')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print the object in this format instead of a message')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print the object in this format instead of a message')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Let the API check everything, and store nothing')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Do not return before the change has come into effect')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'vmdhcp;lease;remove' {
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long --wait waits')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print the object in this format instead of a message')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print the object in this format instead of a message')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Declare that no guest uses the retiring address any more')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Let the API check everything, and store nothing')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Do not return before the change has come into effect')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'vmdhcp;lease;rm' {
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long --wait waits')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print the object in this format instead of a message')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print the object in this format instead of a message')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Declare that no guest uses the retiring address any more')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Let the API check everything, and store nothing')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Do not return before the change has come into effect')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'vmdhcp;standalone' {
            [CompletionResult]::new('--nic', '--nic', [CompletionResultType]::ParameterName, 'Serve this VM network on this interface; the network as NAME or NAMESPACE/NAME')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Where probes, metrics and leases are shown (plain HTTP)')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'Form of the log lines on standard error')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'vmdhcp;completions' {
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Write the scripts of all shells into this folder instead')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'vmdhcp;man' {
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Write one page a command into this folder instead')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'vmdhcp;crd' {
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Write one file a kind into this folder instead')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'vmdhcp;version' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print the object in this format instead of a message')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print the object in this format instead of a message')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of the objects [default: that of the kubeconfig context]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig [default: its current one]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on standard error what is going on; more with each repetition')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
